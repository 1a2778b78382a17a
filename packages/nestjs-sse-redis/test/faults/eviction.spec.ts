import { jest } from '@jest/globals';
import { until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { parseEventId } from '../../src/event/position.js';
import { Hubs, type TestHub } from '../hub/hubs.js';
import type { Payload, PublishedEvent } from './publisher.js';
import { DataLoss, judge, type Counts } from './verdict.js';
import { WatchedClient } from './watched-client.js';

const CHANNELS = Array.from({ length: 40 }, (_, i) => `channel-${i}`);
const CHANNELS_OF_CLIENT = 8;
const CLIENTS = 10;
const ROUNDS = 20;
/** A client is away for so many rounds out of as many. */
const AWAY = 4;
const EVENTS_OF_ROUND = 120;
/** About 5 MB in all: more than the server has room for, and than a process remembers. */
const PADDING = 'x'.repeat(2_000);
const ROOM_BYTES = 2 ** 20;

const hubs = Hubs.over('redis');

beforeEach(() => {
  // ioredis, where it may not ask INFO.
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(async () => {
  jest.restoreAllMocks();
  await liftLimit();
  await hubs.redis.cli('FLUSHALL');
});

const info = async (section: string, field: string): Promise<number> =>
  Number(new RegExp(`${field}:(\\d+)`).exec(String(await hubs.redis.cli('INFO', section)))![1]);

const liftLimit = (): Promise<unknown> => hubs.redis.cli('CONFIG', 'SET', 'maxmemory', '0');

async function limitMemory(policy: string): Promise<void> {
  await hubs.redis.cli('CONFIG', 'RESETSTAT');
  await hubs.redis.cli('CONFIG', 'SET', 'maxmemory-policy', policy);
  const used = await info('memory', 'used_memory');
  await hubs.redis.cli('CONFIG', 'SET', 'maxmemory', String(used + ROOM_BYTES));
}

async function publish({ hub }: TestHub, channel: string): Promise<PublishedEvent> {
  const key = randomUUID();
  const data: Payload & { padding: string } = { key, channel, padding: PADDING };
  const { id } = await hub.publish(channel, { type: 'tick', data });
  return { key, channel, id, position: parseEventId(id)!, doubtful: false };
}

/** A gap of the channel reaches as far as its last event. */
function isToldOf({ messages }: WatchedClient, channel: string, last: ReadonlyMap<string, string>): boolean {
  const gaps = messages.filter(({ type }) => type === 'gap');
  return gaps.some(({ data }) => {
    const gap = JSON.parse(data) as { channel: string; to: string };
    return gap.channel === channel && parseEventId(gap.to)! >= parseEventId(last.get(channel)!)!;
  });
}

/** Any gap may be told: whether a log was evicted or is that of a quiet channel, nobody can tell afterwards. */
class Eviction extends DataLoss {
  override explains(): boolean {
    return true;
  }
}

/**
 * Clients come and go, each time to another process, while Redis evicts: what they got, in sum.
 * @param keepsLast Redis has room again for the last event of each channel. Without the look, nothing tells a client of
 *   one that was evicted: it would wait for it for ever.
 */
async function run(policy: string, redis: string, keepsLast = false): Promise<Counts> {
  const prefix = randomUUID();
  const nodes = [await hubs.start({ redis, prefix }), await hubs.start({ redis, prefix })];
  await limitMemory(policy);
  const clients = Array.from({ length: CLIENTS }, (_, i) => {
    let turn = i;
    const channels = CHANNELS.filter((_, at) => (at + i) % (CHANNELS.length / CHANNELS_OF_CLIENT) === 0);
    const client = new WatchedClient(
      `client ${i}`,
      channels,
      () => nodes[turn++ % nodes.length]!.running.url,
    );
    hubs.closeLater(() => client.stop());
    return client;
  });
  await Promise.all(clients.map((client) => client.placed()));

  const events: PublishedEvent[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    clients.forEach((client, i) => {
      client.away = Math.floor((round + i) / AWAY) % 2 === 1;
      if (client.away) client.drop();
    });
    for (let i = 0; i < EVENTS_OF_ROUND; i++) {
      // A few channels are busy for a while, so that the logs of others are the oldest.
      const channel = CHANNELS[(3 * round + (i % 5)) % CHANNELS.length]!;
      events.push(await publish(nodes[i % nodes.length]!, channel));
    }
  }
  for (const client of clients) client.away = false;
  if (keepsLast) await liftLimit();
  const last = new Map<string, string>();
  await until(() => clients.every(({ stream }) => stream.status === 200));
  for (const channel of CHANNELS) {
    const event = await publish(nodes[0]!, channel);
    events.push(event);
    last.set(channel, event.id);
  }
  for (const client of clients) {
    // Before a client could have it, the last event of a channel may be evicted, too.
    await until(() => {
      const ids = new Set(client.eventIds);
      return client.channels.every(
        (channel) => ids.has(last.get(channel)!) || isToldOf(client, channel, last),
      );
    });
  }
  const verdicts = clients.map(({ name, channels, start, messages, blocks }) =>
    judge(
      { name, channels, start, messages, blocks },
      { events, loss: new Eviction(), announcementDropped: false },
    ),
  );
  const counts = verdicts.map((verdict) => verdict.counts).reduce((sum, one) => add(sum, one));
  const wrong = verdicts.flatMap(({ problems }) =>
    problems.filter((problem) => !problem.includes('gaps at')),
  );
  if (wrong.length > 0) process.stdout.write(`\n${wrong.join('\n')}\n`);
  process.stdout.write(
    `\neviction by ${policy}: ${await info('stats', 'evicted_keys')} keys; ${JSON.stringify(counts)}\n`,
  );
  return counts;
}

const add = (a: Counts, b: Counts): Counts =>
  Object.fromEntries(
    Object.entries(a).map(([name, count]) => [name, count + b[name as keyof Counts]]),
  ) as Counts;

it.each(['allkeys-lru', 'volatile-lru', 'volatile-ttl'])(
  'tells the clients of each event that Redis evicted by %s before they could have it',
  async (policy) => {
    const counts = await run(policy, hubs.redis.url);
    expect(counts).toMatchObject({ lost: 0, doubled: 0, reordered: 0, foreign: 0 });
    expect(counts.missedInGaps).toBeGreaterThan(0);
  },
);

it('finds an eviction within a lease, though nobody reads', async () => {
  const prefix = randomUUID();
  const { hub } = await hubs.start({ prefix, registry: { leaseTtl: 3_000 } });
  await hub.publish('news', { data: 1 });
  const clock = `{${prefix}}:clock`;
  const fields = async (): Promise<number[]> =>
    String(await hubs.redis.cli('HGET', clock, 'evicted'))
      .split(' ')
      .map(Number);
  await until(async () => (await fields()).length === 4);
  // As if the last look was long ago.
  await hubs.redis.cli('HSET', clock, 'evicted', '0 1 0 0');
  await hubs.redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
  await hubs.redis.cli('CONFIG', 'SET', 'maxmemory', '1');
  await until(async () => (await info('stats', 'evicted_keys')) > 0);
  await liftLimit();
  await until(async () => (await fields())[3]! > 0);
  const [seen, , from] = await fields();
  expect(seen).toBeGreaterThan(0);
  expect(from).toBe(1);
});

it('loses events untold where INFO is hidden: what evictions do without the look', async () => {
  await hubs.redis.cli('ACL', 'SETUSER', 'blind', 'on', '>pw', '~*', '&*', '+@all', '-info');
  const counts = await run('volatile-lru', `redis://blind:pw@127.0.0.1:${hubs.redis.port}`, true);
  expect(counts.lost).toBeGreaterThan(0);
});
