import type { Sizes } from '../sizes.js';
import { BenchCluster } from '../processes/cluster.js';
import { Child } from '../processes/child.js';
import type { PublisherMethods } from '../publisher/main.js';
import type { PublisherName } from '../publisher/publisher.js';
import type { Peer } from '../peers.js';
import type { PeerName } from '../servers/peer-names.js';
import { PUBLISHER, type Bench } from './bench.js';
import { each, inTurns, sideBySide, together } from './sessions.js';
import type { Report, Task } from './task.js';

const SIZE = 256;
const INTERVAL = 10;
const PEERS: readonly PeerName[] = ['hub-fastify', 'hub-shards'];
/** Channels of one publisher: enough to be spread evenly. */
const CHANNELS = 600;
/** Events that go out together. */
const TOGETHER = 192;

/** What several shards cost a connection, and what they take off the busiest master. */
export function shards(sizes: Sizes): Task[] {
  return [connections(sizes, 1), connections(sizes, 3), masters(sizes)];
}

/** All on the same channels, one of each shard. */
function connections({ shards: { clients, turns, events }, warmUp }: Sizes, channelsEach: number): Task {
  return {
    title: `shards: ${clients} clients on ${channelsEach}`,
    peers: PEERS,
    run: sideBySide({ channels: 'shared', channelsEach }, async (sessions, report) => {
      await together(sessions, (session) => session.connect(clients));
      await each(sessions, (session) => session.warmUp(SIZE, warmUp));
      const windows = await inTurns(sessions, turns, (session) => session.paced(events, INTERVAL), {
        turns: 2,
        each: (session) => session.burst(channelsEach),
      });
      for (const [session, { cpu, deliveries }] of windows)
        report(session.peer, [
          { workload: `shards-${channelsEach}`, figure: 'cpu', value: cpu / deliveries },
        ]);
    }),
  };
}

/** Of one master that has all of a hub, and of the busiest of three that have a shard each. */
function masters({ shards: { rounds, turns } }: Sizes): Task {
  return {
    title: 'shards: three masters',
    peers: PEERS,
    run: async (bench, peers, report) => {
      const cluster = await BenchCluster.start(bench.redis.binary);
      try {
        await measureMasters(bench, cluster, peers, { rounds, turns }, report);
      } finally {
        await cluster.stop();
      }
    },
  };
}

async function measureMasters(
  bench: Bench,
  cluster: BenchCluster,
  peers: readonly Peer[],
  { rounds, turns }: { readonly rounds: number; readonly turns: number },
  report: Report,
): Promise<void> {
  const publishers = await Promise.all(
    peers.map(async ({ publisher }) => startPublisher(publisher, cluster.url, bench.nextSession())),
  );
  try {
    const spent = peers.map(() => cluster.masters.map(() => 0));
    // The first turn is not measured.
    for (let turn = 0; turn <= turns; turn++) {
      for (const [i, publisher] of publishers.entries()) {
        const before = await cluster.cpu();
        for (let round = 0; round < rounds; round++) await publisher.call('burst', TOGETHER);
        const after = await cluster.cpu();
        if (turn > 0) spent[i] = spent[i]!.map((sum, master) => sum + after[master]! - before[master]!);
      }
    }
    const events = turns * rounds * TOGETHER;
    for (const [i, peer] of peers.entries())
      report(peer, [{ workload: 'masters', figure: 'redis', value: Math.max(...spent[i]!) / events }]);
  } finally {
    await Promise.all(publishers.map((publisher) => publisher.stop()));
  }
}

async function startPublisher(
  name: PublisherName,
  url: string,
  session: string,
): Promise<Child<PublisherMethods>> {
  const publisher = await Child.start<PublisherMethods>(PUBLISHER, [name, url]);
  await publisher.call('begin', session);
  await publisher.call('useChannels', CHANNELS);
  await publisher.call('setSize', SIZE);
  return publisher;
}
