import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import type { Published } from 'nestjs-sse-redis';
import type { Commands } from '../../src/broker/redis/commands.js';
import { PublishQueue } from '../../src/broker/redis/publish-queue.js';
import { Hubs, type TestHub } from './hubs.js';

const COUNT = 200;
/** A run of the script publishes no more than 64 events. */
const RUNS = Math.ceil(COUNT / 64);

describe('the publishes of one tick', () => {
  const hubs = Hubs.over('redis');
  let test: TestHub;
  let prefix: string;
  /** Texts that went to Redis, one a write. */
  let written: string[];

  beforeEach(async () => {
    prefix = randomUUID();
    test = await hubs.start({ prefix });
    written = [];
    // oxlint-disable-next-line typescript/unbound-method -- applied to the socket below
    const write = Socket.prototype.write as (this: Socket, ...args: unknown[]) => boolean;
    jest.spyOn(Socket.prototype, 'write').mockImplementation(function (this: Socket, ...args: unknown[]) {
      if (this.remotePort === hubs.redis.port) written.push(String(args[0]));
      return write.apply(this, args);
    });
  });
  afterEach(() => jest.restoreAllMocks());

  async function writesOfATick(): Promise<{ writes: number; results: Published[] }> {
    const results = await Promise.all(
      Array.from({ length: COUNT }, (_, i) =>
        test.hub.publish(i % 2 ? 'odd' : 'even', { data: `event ${i}` }),
      ),
    );
    return { writes: written.filter((text) => text.includes('event ')).length, results };
  }

  it('goes to Redis in one write', async () => {
    const { writes } = await writesOfATick();
    expect(writes).toBe(1);
  });

  it('in the order of the calls, each with a result of its own', async () => {
    const { results } = await writesOfATick();
    const history = await Promise.all(
      ['even', 'odd'].map((channel) => test.hub.history(channel, { limit: COUNT })),
    );
    const published = results.map(({ id }, i) => ({ id, data: `event ${i}` }));
    const stored = history
      .flatMap(({ events }) => events)
      .map(({ id, data }) => ({ id, data }))
      .toSorted(
        (a, b) => published.findIndex(({ id }) => id === a.id) - published.findIndex(({ id }) => id === b.id),
      );
    expect(stored).toEqual(published);
  });

  it('fails one by one', async () => {
    await hubs.redis.cli('SET', `{${prefix}}:log:broken`, 'no stream');
    const channels = ['fine', 'broken', 'fine', 'broken', 'fine'];
    const results = await Promise.allSettled(
      channels.map((channel) => test.hub.publish(channel, { data: 1 })),
    );
    expect(results.map(({ status }) => status === 'fulfilled')).toEqual(
      channels.map((name) => name === 'fine'),
    );
    expect(await test.dataIn('fine')).toEqual([1, 1, 1]);
  });

  it('is sent again where Redis has forgotten the script', async () => {
    await hubs.redis.cli('SCRIPT', 'FLUSH');
    const { results } = await writesOfATick();
    expect(new Set(results.map(({ id }) => id)).size).toBe(COUNT);
    expect(await test.dataIn('even')).toHaveLength(COUNT / 2);
  });

  it('would be a write for each run of the script (negative control)', async () => {
    const { broker } = test.hub['node'].shards.home as unknown as { broker: { commands: Commands } };
    const rounds = broker.commands['rounds'];
    Object.defineProperty(rounds, 'current', { get: () => rounds['begin']() });
    const { writes } = await writesOfATick();
    expect(writes).toBe(RUNS);
  });

  const runs = async (): Promise<number> => {
    const stats = String(await hubs.redis.cli('INFO', 'commandstats'));
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1]);
  };

  it('is published by few runs of the script, each of them short', async () => {
    await hubs.redis.cli('CONFIG', 'RESETSTAT');
    await writesOfATick();
    expect(await runs()).toBe(RUNS);
  });

  it('would be one run each (negative control)', async () => {
    type Inner = { send: PublishQueue['publish'] };
    jest.spyOn(PublishQueue.prototype, 'publish').mockImplementation(function (this: unknown, publications) {
      return (this as Inner).send(publications);
    });
    await hubs.redis.cli('CONFIG', 'RESETSTAT');
    await writesOfATick();
    expect(await runs()).toBe(COUNT);
  });

  it('is a thousand events in one round trip of publishMany', async () => {
    const events = Array.from({ length: 1_000 }, (_, i) => ({ channel: `c${i % 10}`, data: `event ${i}` }));
    const results = await test.hub.publishMany(events);
    expect(results.every((result) => 'id' in result)).toBe(true);
    expect(written.filter((text) => text.includes('event '))).toHaveLength(1);
  });
});
