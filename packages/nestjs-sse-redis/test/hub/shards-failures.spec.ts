import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisServer, TcpProxy, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { InvalidOptionsError, type SseRedisOptions } from 'nestjs-sse-redis';
import type { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { Hubs } from './hubs.js';
import { a, b, isTold, publish, SHARDS, told } from './shard-scene.js';

beforeEach(() => {
  jest.spyOn(Logger.prototype, 'log').mockReturnValue();
});
afterEach(() => jest.restoreAllMocks());

describe('a hub of several shards in Redis', () => {
  const hubs = Hubs.over('redis');
  const start = (options: SseRedisOptions = {}) => hubs.start({ shards: SHARDS, ...options });

  it('refuses to start with another number of shards', async () => {
    for (const [first, second] of [
      [SHARDS, 1],
      [1, SHARDS],
      [2, SHARDS],
    ] as const) {
      const prefix = randomUUID();
      await hubs.start({ prefix, shards: first });
      await expect(hubs.start({ prefix, shards: second })).rejects.toThrow(InvalidOptionsError);
      await hubs.start({ prefix, shards: first });
    }
  });

  it('goes on where the data of one shard are lost, and tells of a gap there alone', async () => {
    const test = await start({ probeInterval: 100 });
    const stream = await test.client([a, b]);
    await publish(test, a, 1);
    await publish(test, b, 2);
    await isTold(stream, 2);
    const { broker } = test.hub['node'].shards.of(a);
    const tag = (broker as RedisBroker)['keys'].tag;
    await stream.close();
    const keys = (await hubs.redis.cli('KEYS', `${tag}:*`)) as string[];
    await hubs.redis.cli('DEL', ...keys);
    await publish(test, b, 3);
    const back = await test.client([a, b], { lastEventId: stream.lastEventId });
    await until(() => told(back).includes(`gap ${a}`) && told(back).includes(3));
    await publish(test, a, 4);
    await until(() => told(back).includes(4));
    expect(told(back)).toHaveLength(3);
  });

  it('goes on where the links of one shard were lost, while the others live', async () => {
    const test = await start();
    const stream = await test.client([a, b]);
    const { broker } = test.hub['node'].shards.of(a);
    const { subscriber } = (broker as RedisBroker)['connections'];
    subscriber.disconnect(true);
    await until(() => !test.hub.stats().linkUp);
    for (let n = 0; n < 20; n++) await publish(test, n % 2 ? a : b, n);
    await isTold(stream, 20);
    expect(new Set(told(stream))).toEqual(new Set(Array.from({ length: 20 }, (_, n) => n)));
    await until(() => test.hub.stats().linkUp);
  });

  it('holds back what may have been revoked while the link of the registry is lost', async () => {
    let isAllowed = true;
    const test = await start({ authorize: () => isAllowed });
    const stream = await test.client([a, b]);
    await publish(test, a, 1);
    await isTold(stream, 1);
    const { home } = test.hub['node'].shards;
    const { tag } = (home.broker as RedisBroker)['keys'];
    // Takes the rights on its channels away, and with these its subscriptions; those of the other shards have longer names.
    await hubs.redis.cli('ACL', 'SETUSER', 'default', 'resetchannels', `&${tag.slice(0, -1)}:*`);
    hubs.closeLater(() => hubs.redis.cli('ACL', 'SETUSER', 'default', 'allchannels'));
    await until(() => !home.feeds.link.up);
    isAllowed = false;
    await publish(test, a, 2);
    await publish(test, b, 3);
    await until(() => test.hub['node'].shards.of(b).feeds.link.lastAnnounced > 0);
    await hubs.redis.cli('ACL', 'SETUSER', 'default', 'allchannels');
    await until(() => stream.messages.some(({ type }) => type === 'error'));
    expect(told(stream)).toEqual([1]);
  });

  it('keeps its number of shards where Redis lost its data', async () => {
    const prefix = randomUUID();
    const redis = await RedisServer.start();
    hubs.closeLater(() => redis.stop());
    const options = { prefix, redis: redis.url, probeInterval: 100 };
    const test = await hubs.start({ ...options, shards: SHARDS });
    await publish(test, a, 1);
    await redis.restart({ empty: true });
    await until(async () => (await test.hub.readiness()).ready);
    await until(async () => (await redis.cli('HGET', `{${prefix}}:clock`, 'shards')) === String(SHARDS));
    await expect(hubs.start({ ...options, shards: 1 })).rejects.toThrow(InvalidOptionsError);
    const other = await hubs.start({ ...options, shards: SHARDS });
    const stream = await other.client([a, b]);
    await publish(test, b, 2);
    await isTold(stream, 1);
  });

  it('hears of a revocation over another shard while its link of the registry is dead unnoticed', async () => {
    const prefix = randomUUID();
    const proxy = await TcpProxy.start({ target: hubs.redis.port });
    hubs.closeLater(() => proxy.stop());
    let isAllowed = true;
    const redis = `redis://127.0.0.1:${proxy.port}`;
    const test = await start({ prefix, redis, authorize: () => isAllowed, probeInterval: 60_000 });
    const other = await start({ prefix });
    const stream = await test.client([b]);
    const home = test.hub['node'].shards.home.broker as RedisBroker;
    const { subscriber } = home['connections'];
    const id = String(await subscriber.client('ID'));
    const { localPort } = subscriber.stream;
    proxy.connections.find((connection) => connection['client'].remotePort === localPort)!.blackhole(true);
    await hubs.redis.cli('CLIENT', 'KILL', 'ID', id);
    isAllowed = false;
    await other.hub.reauthorize();
    await publish(other, b, 1);
    await until(() => stream.messages.some(({ type }) => type === 'error'));
    expect(told(stream)).toEqual([]);
  });
});
