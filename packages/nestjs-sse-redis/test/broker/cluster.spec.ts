import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisServer, Stopwatch, TestCluster, until } from '@nestjs-sse-redis/testing';
import { Cluster, Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { RedisRefusedError, type SseRedisOptions } from 'nestjs-sse-redis';
import type { Connections } from '../../src/broker/redis/connections.js';
import { Keys } from '../../src/broker/redis/keys.js';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { encodeRecord } from '../../src/event/event-record.js';
import { POSITIONS_PER_MS } from '../../src/event/position.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { failedStart, failureOf } from '../hub/hubs.js';
import { Heard, publication, publishAll } from './broker-set-ups.js';
import { describeCluster, logOf, type Member } from './cluster-hubs.js';

let cluster: TestCluster;
let prefix: string;
const open: RedisBroker[] = [];
let warnings: string[];

beforeAll(async () => {
  cluster = await TestCluster.start();
});
beforeEach(() => {
  prefix = randomUUID();
  warnings = [];
  for (const level of ['log', 'debug'] as const) jest.spyOn(Logger.prototype, level).mockReturnValue();
  jest
    .spyOn(Logger.prototype, 'warn')
    .mockImplementation((text: unknown) => void warnings.push(String(text)));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(open.splice(0).map((broker) => broker.close()));
});
afterAll(() => cluster?.stop());

/** A process of the hub; its subscriptions are up. */
async function join(options: SseRedisOptions = {}, ...channels: string[]): Promise<Member> {
  const resolved = resolveOptions({ redis: cluster.url, prefix, ...options });
  const broker = new RedisBroker(resolved.redis!, resolved, randomUUID());
  open.push(broker);
  const heard = new Heard();
  await broker.start(heard);
  for (const channel of channels) await broker.subscribe(channel);
  return { broker, heard };
}

const tag = (): string => `{${prefix}}`;

/** Publishes 0, 1, 2 … until it is stopped, and gives what was acknowledged; refusals are the publisher's to know of. */
function publishOn({ broker }: Member, channel: string) {
  const acknowledged: number[] = [];
  let refusal: Error | undefined;
  let isStopped = false;
  const done = (async () => {
    for (let n = 0; !isStopped; n++) {
      const [outcome] = await broker.publish([publication(channel, n)]);
      if (!('error' in outcome!)) acknowledged.push(n);
      else {
        refusal = outcome.error;
        await delay(5);
      }
    }
  })();
  return {
    acknowledged,
    /** Resolves when Redis has taken some more; what it refused last is in the error. */
    goesOn: async () => {
      const soFar = acknowledged.length;
      const isOn = () => {
        if (acknowledged.length > soFar + 20) return true;
        throw new Error(`${acknowledged.length - soFar} published; refused last: ${refusal?.message}`);
      };
      await until(isOn, { message: 'publishing goes on' });
    },
    stop: async () => {
      isStopped = true;
      await done;
    },
  };
}

/** What is published from now on arrives; what came before may have to be read. */
async function hears({ heard }: Member, { broker }: Member): Promise<void> {
  const text = randomUUID();
  await until(async () => {
    await broker.publish([publication('a', text, { ephemeral: true })]);
    return heard.data.includes(text);
  });
}

/** After a failover before this one, a replica may be without data for a while, and the clock would be lost with the rest. */
async function replicated(): Promise<void> {
  const replicas = await cluster.replicasOf(await cluster.owner(tag()));
  for (const replica of replicas) {
    await replica.cli('READONLY');
    await until(() => replica.cli('EXISTS', `${tag()}:clock`).then((count) => count === 1));
  }
}

describeCluster('a cluster', () => {
  it.each<[string, () => SseRedisOptions['redis']]>([
    ['a URL', () => cluster.url],
    ['a URL of one node', () => `redis+cluster://127.0.0.1:${cluster.nodes.at(-1)!.port}`],
    ['a list of nodes', () => cluster.connection],
    ['a list of URLs', () => ({ cluster: cluster.nodes.map(({ url }) => url) })],
    ['an ioredis Cluster', () => new Cluster(cluster.connection.cluster, { lazyConnect: true })],
    [
      'an ioredis Cluster with a key prefix',
      () => new Cluster([cluster.nodes[0]!.url], { lazyConnect: true, keyPrefix: 'app:' }),
    ],
  ])('is found by %s, and is one hub for all', async (what, redis) => {
    const keyed = what.includes('prefix') ? { prefix: `app:${prefix}` } : {};
    const one = await join({ redis: redis()! }, 'a');
    const other = await join(keyed, 'a');
    await publishAll(one.broker, publication('a', 1));
    await publishAll(other.broker, publication('a', 2));
    await until(() => one.heard.events.length === 2 && other.heard.events.length === 2);
    expect([one.heard.data, other.heard.data]).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it('is reached past a node that is down, and past one that hangs', async () => {
    const [down, hanging] = await Promise.all([RedisServer.start(), RedisServer.start()]);
    await down.stop();
    hanging.pause();
    try {
      const redis = {
        cluster: [down, hanging, cluster.nodes[0]!].map(({ port }) => ({ host: '127.0.0.1', port })),
      };
      const { broker } = await join({ redis });
      expect(await publishAll(broker, publication('a', 1))).toHaveLength(1);
    } finally {
      await hanging.stop();
    }
  });

  it('takes announcements to the subscribers of one node alone', async () => {
    const { broker, heard } = await join({}, 'a');
    await publishAll(broker, publication('a', 1));
    await until(() => heard.events.length === 1);
    const owner = await cluster.owner(tag());
    const sharded = await Promise.all(
      cluster.nodes.map((node) => node.cli('PUBSUB', 'SHARDCHANNELS', `${tag()}*`)),
    );
    const counts = sharded.map((channels) => (channels as string[]).length);
    expect(counts).toEqual(cluster.nodes.map((node) => (node === owner ? 3 : 0)));
  });

  it('sends messages from process to process, and tells that nobody is there', async () => {
    const [one, other] = [await join(), await join()];
    const name = /n:(.+)$/.exec(
      (
        (await (await cluster.owner(tag())).cli('PUBSUB', 'SHARDCHANNELS', `${tag()}:live:0:n:*`)) as string[]
      )[0]!,
    )![1]!;
    expect(await one.broker.send(name, 'hello')).toBe(1);
    await until(() => [...one.heard.messages, ...other.heard.messages].includes('hello'));
    expect(await one.broker.send('nobody', 'hello')).toBe(0);
  });
});

describeCluster('a slot that moves', () => {
  it('loses nothing, tells no gap, and is heard of at once', async () => {
    const [one, other] = [await join({}, 'a'), await join({ probeInterval: 60_000 }, 'a')];
    const publisher = publishOn(one, 'a');
    await publisher.goesOn();
    const before = await cluster.owner(tag());
    const owner = await cluster.migrate(tag());
    const watch = Stopwatch.start();
    expect(owner).not.toBe(before);
    await until(() => other.heard.link.some((change) => change.startsWith('restored')));
    // Before the watch of the nodes, and the probe, could find out.
    expect(watch.stop()).toBeLessThan(4_000);
    await publisher.goesOn();
    await publisher.stop();
    expect(await logOf(other, 'a')).toEqual(publisher.acknowledged);
    await hears(other, one);
    await until(() => other.broker.line.forks.length === 1);
    const { forks } = other.broker.line;
    // The data moved whole: the line ends with the last event before.
    const log = await other.broker.read([{ channel: 'a', after: 0 }], {
      records: 1_000_000,
      bytes: Infinity,
    });
    expect(
      log[0]!.records.every(({ position }) => position <= forks[0]!.from || position >= forks[0]!.began),
    ).toBe(true);
  });

  it('holds what is published to a new channel while it moves, in its order', async () => {
    const { broker } = await join({ publishTimeout: 60_000 });
    await publishAll(broker, publication('old', 0));
    const migration = await cluster.startMigration(tag());
    const held = publishAll(broker, publication('new', 1), publication('old', 2));
    await until(() => refusals(migration.source).then((count) => count > 0));
    await migration.finish();
    expect((await held).every((position, i, all) => i === 0 || position > all[i - 1]!)).toBe(true);
  });

  it('refuses what is published meanwhile when the time is up, and takes it afterwards', async () => {
    const { broker } = await join({ publishTimeout: 2_000 });
    await publishAll(broker, publication('old', 0));
    const migration = await cluster.startMigration(tag());
    const failure = await failureOf(publishAll(broker, publication('new', 1)));
    expect(failure).toBeInstanceOf(RedisRefusedError);
    expect(failure).toMatchObject({ code: 'REDIS_MIGRATING' });
    await migration.finish();
    await until(() => broker.publish([publication('new', 1)]).then(([outcome]) => !('error' in outcome!)));
  });

  it('is followed back and forth', async () => {
    const member = await join({}, 'a');
    const home = await cluster.owner(tag());
    for (let i = 0; i < 4; i++) {
      await cluster.migrate(tag(), i % 2 === 1 ? { to: home } : {});
      await until(() =>
        member.broker.publish([publication('a', i)]).then(([outcome]) => !('error' in outcome!)),
      );
    }
    await hears(member, member);
    expect(await cluster.owner(tag())).toBe(home);
  });
});

async function refusals(node: RedisServer): Promise<number> {
  const stats = String(await node.cli('INFO', 'errorstats'));
  return Number(/errorstat_TRYAGAIN:count=(\d+)/.exec(stats)?.[1] ?? 0);
}

describeCluster('a master that is replaced', () => {
  it.each<[string, 'FORCE' | 'TAKEOVER' | undefined]>([
    ['as planned', undefined],
    ['by FORCE', 'FORCE'],
    ['by TAKEOVER', 'TAKEOVER'],
  ])('is left, %s, and publishing goes on', async (_, mode) => {
    // All that a fast machine publishes in a slow failover.
    const [one, other] = [await join({ history: { maxLength: 1_000_000 } }, 'a'), await join({}, 'a')];
    const publisher = publishOn(one, 'a');
    await publisher.goesOn();
    await replicated();
    await cluster.failover(tag(), mode);
    await publisher.goesOn();
    await publisher.stop();
    await hears(other, one);
    await until(() => other.broker.line.forks.length === 1);
    // A planned one loses nothing; a forced one what the fork tells of.
    if (!mode) expect(await logOf(other, 'a')).toEqual(publisher.acknowledged);
  });

  it.each<[string, (old: RedisServer) => Promise<void> | void, (old: RedisServer) => Promise<void> | void]>([
    ['was killed', (old) => old.kill(), (old) => old.restart()],
    ['hangs', (old) => old.pause(), (old) => old.resume()],
  ])('is left where it %s, and publishing goes on behind the election', async (_, fail, heal) => {
    const [one, other] = [await join({}, 'a'), await join({}, 'a')];
    const publisher = publishOn(one, 'a');
    await publisher.goesOn();
    const old = await cluster.findVictim(tag());
    await replicated();
    await fail(old);
    try {
      await cluster.elected(tag(), old);
      await publisher.goesOn();
    } finally {
      await heal(old);
    }
    await publisher.goesOn();
    await publisher.stop();
    await hears(other, one);
    await until(() => other.broker.line.forks.length > 0);
  });
});

describeCluster('a replaced master that goes on', () => {
  /** An announcement on the channel, from a replica: the nodes of a shard take what they announce to each other. */
  async function announce(line: string, text: string): Promise<void> {
    const [replica] = await cluster.replicasOf(await cluster.owner(tag()));
    const { event } = publication('a', text);
    const position = (Date.now() + 60_000) * POSITIONS_PER_MS;
    const record = Buffer.concat([Buffer.from(`${line} `), encodeRecord(position, 0, event, false)]);
    await replica!.cli('READONLY');
    await replica!.cli('SPUBLISH', new Keys(prefix, 0).pubSubChannel('a'), record);
  }

  it('is not heard at its successor, and what the successor has next is', async () => {
    const [one, other] = [await join({}, 'a'), await join({}, 'a')];
    await announce('0123456789', 'of another line');
    await until(() => one.heard.link.some((change) => change.startsWith('restored')));
    await hears(one, other);
    expect(one.heard.data).not.toContain('of another line');
  });

  it('is left once, however much it announces', async () => {
    const { broker, heard } = await join({}, 'a');
    const disconnect = jest.spyOn(Redis.prototype, 'disconnect');
    await Promise.all(Array.from({ length: 50 }, (_, n) => announce('0123456789', `of another line, ${n}`)));
    await until(() => heard.link.some((change) => change.startsWith('restored')));
    // A connection that has just been given up is lost a moment later. The one for commands is given up as well where the next
    // subscription has heard of the other line.
    const { subscriber } = (broker as unknown as { connections: Connections }).connections;
    const given = () => disconnect.mock.contexts.filter((context) => context === subscriber).length;
    await until(() => given() === heard.link.filter((change) => change.startsWith('lost')).length);
    await publishAll(broker, publication('a', 1));
  });

  it('would be heard if it were of the same line (control)', async () => {
    const { heard } = await join({}, 'a');
    const line = (await (await cluster.owner(tag())).cli('HGET', `${tag()}:clock`, 'replid')) as string;
    await announce(line, 'of this line');
    await until(() => heard.data.includes('of this line'));
    expect(heard.link).toEqual([]);
  });
});

describeCluster('a start', () => {
  it('ends at the new owner where the old one hangs and is not replaced yet', async () => {
    await join();
    await replicated();
    const old = await cluster.owner(tag());
    old.pause();
    try {
      // Without the limit of a handshake it would wait for the old one until twice the publishTimeout.
      const { broker } = await join({ connectTimeout: 60_000, publishTimeout: 60_000 });
      expect(await publishAll(broker, publication('a', 1))).toHaveLength(1);
    } finally {
      old.resume();
    }
  });

  it('says that a Redis is no cluster', async () => {
    const redis = await RedisServer.start();
    try {
      const url = redis.url.replace('redis:', 'redis+cluster:');
      const words = /is no Redis Cluster .*cluster support disabled.*redis:\/\//;
      const failure = await failedStart(words, (connectTimeout) => join({ redis: url, connectTimeout }));
      expect(failure.message).toMatch(words);
    } finally {
      await redis.stop();
    }
  });

  it('says that nobody has the slot', async () => {
    const node = await RedisServer.start({ args: ['--cluster-enabled', 'yes'] });
    try {
      const url = node.url.replace('redis:', 'redis+cluster:');
      const words = /could not be reached within \d+ ms \(no node of the cluster has the slot/;
      const failure = await failedStart(words, (connectTimeout) => join({ redis: url, connectTimeout }));
      expect(failure.message).toMatch(words);
    } finally {
      await node.stop();
    }
  });

  it('warns of a node that was given as one Redis, and of no node of a cluster', async () => {
    const owner = await cluster.owner(tag());
    await join({ redis: owner.url });
    expect(warnings.filter((text) => text.includes('is a node of a Redis Cluster'))).toHaveLength(1);
    warnings = [];
    await join();
    expect(warnings.filter((text) => text.includes('is a node of a Redis Cluster'))).toEqual([]);
  });
});
