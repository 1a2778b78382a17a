import { jest } from '@jest/globals';
import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { Audit } from '../../src/delivery/losses/audit.js';
import { Feeds } from '../../src/delivery/feeds.js';
import { HubCounters } from '../../src/delivery/hub-counters.js';
import { SocketGroup } from '../../src/response/socket-group.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { publication, publishAll } from '../broker/broker-set-ups.js';

const CHANNELS = 10_000;
/** The calls of one round. */
const CALLS = CHANNELS / 100;
const ROUNDS_PER_INTERVAL = 3;
const ROUNDS = 10;
/** Of one core of Redis. */
const MOST_SHARE = 0.01;
const LARGE = 'x'.repeat(1_048_576);

describe(`the audit of ${CHANNELS} channels`, () => {
  let redis: RedisServer;
  let broker: RedisBroker;
  let feeds: Feeds;
  const defaults = resolveOptions();

  beforeEach(async () => {
    redis = await RedisServer.start();
    const options = resolveOptions({
      redis: redis.url,
      prefix: 'cost',
      probeInterval: 120_000,
      publishTimeout: 60_000,
    });
    broker = new RedisBroker(options.redis!, options, 'node');
    feeds = new Feeds(broker, new HubCounters(), () => new SocketGroup());
    feeds.link.up = true;
    await broker.start({
      announced: (channel, record) => feeds.announced(channel, record),
      watermark: (position) => feeds.watermark(position),
      message: () => undefined,
      linkLost: () => feeds.linkLost(),
      linkRestored: (position) => feeds.linkRestored(position),
    });
  });
  afterEach(async () => {
    await broker.close();
    await redis.stop();
  });

  /** ms of the processor that Redis has used, which other processes do not lengthen. */
  async function cpu(): Promise<number> {
    const info = String(await redis.cli('INFO', 'cpu'));
    const ms = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)![1]) * 1_000;
    return ms('used_cpu_user') + ms('used_cpu_sys');
  }

  async function calls(): Promise<number> {
    const info = String(await redis.cli('INFO', 'commandstats'));
    return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(info)?.[1] ?? 0);
  }

  /** ms of Redis' processor for a round of looks at each channel, with the newest event of each so large. */
  async function roundOf(channels: readonly string[], data: string): Promise<number> {
    for (let i = 0; i < channels.length; i += 20) {
      await publishAll(broker, ...channels.slice(i, i + 20).map((channel) => publication(channel, data)));
    }
    await feeds.acquire(channels);
    const link = await publishAll(broker, publication(channels[0]!, 'the link has brought something newer'));
    await until(() => feeds.link.lastAnnounced >= link[0]!);
    const losses: unknown[] = [];
    // In a hundredth of the time: calls come one by one all the same.
    const interval = defaults.auditInterval / 100;
    const [before, callsBefore] = [await cpu(), await calls()];
    const audit = new Audit(broker, feeds, interval, (found) => losses.push(...found));
    audit.start();
    const callsOfRound = Math.ceil(channels.length / 100);
    await until(async () => (await calls()) >= callsBefore + ROUNDS * callsOfRound, {
      timeout: 60_000,
      interval: 300,
    });
    const [after, callsAfter] = [await cpu(), await calls()];
    await audit.finish();
    expect(losses).toEqual([]);
    return ((after - before) / (callsAfter - callsBefore)) * callsOfRound;
  }

  it('costs less than 1 % of a core of Redis', async () => {
    const names = Array.from({ length: CHANNELS }, (_, i) => `user:${i}`);
    const ms = await roundOf(names, 'hello');
    const share = (ms * ROUNDS_PER_INTERVAL) / defaults.auditInterval;
    process.stdout.write(
      `\nan audit of ${CHANNELS} channels: ${ms.toFixed(1)} ms of Redis a round of ${CALLS} calls, ${(share * 100).toFixed(3)} % of a core\n`,
    );
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(MOST_SHARE);
  });

  it('looks at each channel once a round where there is nothing to ask', async () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `quiet:${i}`);
    await feeds.acquire(names);
    const look = jest.spyOn(feeds, 'announcedRange');
    jest.useFakeTimers();
    try {
      const audit = new Audit(broker, feeds, 3_000, () => undefined);
      audit.start();
      jest.advanceTimersByTime(3_000);
      expect(look.mock.calls.length).toBeGreaterThanOrEqual(names.length);
      expect(look.mock.calls.length).toBeLessThanOrEqual(ROUNDS_PER_INTERVAL * names.length);
    } finally {
      jest.useRealTimers();
    }
  });

  it('costs no more where the newest events are large', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `large:${i}`);
    const ms = await roundOf(names, LARGE);
    process.stdout.write(
      `\nan audit of 100 channels with a newest event of 1 MB: ${ms.toFixed(2)} ms of Redis\n`,
    );
    // To copy them takes some 10 ms.
    expect(ms).toBeLessThan(5);
  });
});
