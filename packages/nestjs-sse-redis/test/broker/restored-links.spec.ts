import { TcpProxy, until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard } from './broker-set-ups.js';

/** No test waits for so long. */
const NEVER_MS = 2_000_000;
/** Longer than the pause behind a subscription that is refused. */
const PAUSE_MS = 1_500;
/** Connections within a second: with their pauses there are about ten. */
const LOOP = 50;

describe('a link that is restored', () => {
  const redis = useRedis();
  let proxy: TcpProxy;
  let broker: RedisBroker;
  let heard: Heard;

  beforeEach(async () => {
    proxy = await TcpProxy.start({ target: redis.port });
    const options = resolveOptions({ redis: `redis://127.0.0.1:${proxy.port}` });
    broker = new RedisBroker(options.redis!, options, randomUUID());
    heard = new Heard();
    await broker.start(heard);
    await broker.subscribe('news');
  });
  afterEach(async () => {
    await broker.close();
    await proxy.stop();
  });

  it('is not given up for a subscription that was cut off before it', async () => {
    let cuts = 0;
    proxy.transform((direction, chunk, connection) => {
      if (direction === 'toServer' && cuts === 0 && /subscribe/i.test(chunk.toString('latin1'))) {
        cuts++;
        connection.cut();
        return null;
      }
      return chunk;
    });
    for (const connection of proxy.connections) if (/subscribe/i.test(connection.head)) connection.cut();
    await until(() => heard.link.at(-1)?.startsWith('restored'));
    expect(cuts).toBe(1);
    const before = [...heard.link];
    const restoredAt = performance.now();
    await until(() => performance.now() - restoredAt > PAUSE_MS);
    expect(heard.link).toEqual(before);
  });

  it.each(['command', 'subscriber'] as const)(
    'is there as soon as one connection is, where the one waits that is for the %s',
    async (name) => {
      const { [name]: waiting } = broker['connections'];
      await proxy.refuse(true);
      waiting.options.retryStrategy = () => NEVER_MS;
      proxy.cut();
      await until(() => waiting.status === 'reconnecting');
      await proxy.refuse(false);
      await until(() => heard.link.at(-1)?.startsWith('restored'));
    },
  );

  it.each(['command', 'subscriber'] as const)(
    'is not made anew by the other connection, that for the %s, which comes as the hub closes',
    async (name) => {
      const { command, subscriber } = broker['connections'];
      const [coming, waiting] = name === 'command' ? [command, subscriber] : [subscriber, command];
      await proxy.refuse(true);
      waiting.options.retryStrategy = () => NEVER_MS;
      proxy.cut();
      await until(() => waiting.status === 'reconnecting');
      let closed: Promise<void> | undefined;
      proxy.transform((_, chunk) => {
        // The answer to INFO, with which a connection is there.
        if (/redis_version/.test(chunk.toString('latin1'))) closed ??= broker.close();
        return chunk;
      });
      const ready = once(coming, 'ready');
      await proxy.refuse(false);
      await Promise.all([ready, until(() => closed !== undefined)]);
      await until(() => coming.status === 'end');
      expect(waiting.status).toBe('reconnecting');
      expect(proxy.connections).toEqual([]);
    },
  );

  it('makes no connections in a busy loop where a server keeps the newest alone', async () => {
    let made = 0;
    let newest = proxy.connections.at(-1);
    proxy.transform((_, chunk, connection) => {
      if (connection !== newest && proxy.connections.at(-1) === connection) {
        newest = connection;
        made++;
        for (const other of proxy.connections) if (other !== connection) other.cut();
      }
      return chunk;
    });
    proxy.cut();
    await until(() => made > 2);
    const before = made;
    await delay(1_000);
    expect(made - before).toBeLessThan(LOOP);
  });
});
