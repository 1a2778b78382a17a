import { TestSentinel, until, type RedisServer } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard } from './broker-set-ups.js';

/** No test waits for so long. */
const NEVER_MS = 2_000_000;

describe('connections that are down when Sentinel names a new master', () => {
  let sentinel: TestSentinel;
  let old: RedisServer;
  let broker: RedisBroker;
  let heard: Heard;

  beforeEach(async () => {
    sentinel = await TestSentinel.start();
    old = await sentinel.master();
    // A connection that is silent is given up after twice that time.
    const options = resolveOptions({ redis: sentinel.connection, publishTimeout: NEVER_MS });
    broker = new RedisBroker(options.redis!, options, randomUUID());
    heard = new Heard();
    await broker.start(heard);
    for (const connection of connections()) connection.options.retryStrategy = () => NEVER_MS;
  });
  afterEach(async () => {
    await broker.close();
    await sentinel.stop();
  });

  const connections = () => [broker['connections'].command, broker['connections'].subscriber];
  const isUp = () => heard.link.at(-1)?.startsWith('restored');

  it('do not wait for their next attempt', async () => {
    await old.kill();
    await until(() => connections().every(({ status }) => status === 'reconnecting'));
    await until(isUp, { timeout: 60_000 });
  });

  it('do not wait for a master that hangs', async () => {
    old.pause();
    for (const connection of connections()) {
      connection.options.retryStrategy = () => 0;
      connection.disconnect(true);
    }
    await until(() => connections().every(({ status }) => status === 'connect'));
    for (const connection of connections()) connection.options.retryStrategy = () => NEVER_MS;
    await until(isUp, { timeout: 60_000 });
  });
});
