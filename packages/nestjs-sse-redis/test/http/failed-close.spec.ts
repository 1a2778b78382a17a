import { deferred, SseStream, startApp, until, useRedis } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { SseRegistry } from 'nestjs-sse-redis';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { RedisRegistryStore } from '../../src/broker/redis/redis-registry-store.js';
import { NodeRegistration } from '../../src/registry/node-registration.js';
import { roomsModule } from './rooms.module.js';

const redis = useRedis();
afterEach(() => jest.restoreAllMocks());

interface Fastify {
  addHook(name: 'onClose', hook: () => Promise<void>): void;
}

/** @param onServerClosed is called as the server closes, before a plugin fails @returns connections that are registered then */
async function closeWithFailingPlugin(onServerClosed: () => void = () => undefined): Promise<number> {
  let registered = NaN;
  const module = roomsModule({ redis: redis.url, prefix: randomUUID(), drain: { timeout: 1_000 } });
  const { app, url } = await startApp(module, 'fastify', {
    application: { logger: false },
    configure: (application: INestApplication) =>
      (application.getHttpAdapter().getInstance() as Fastify).addHook('onClose', async () => {
        if (!Number.isNaN(registered)) return;
        registered = await app.get(SseRegistry).count({});
        onServerClosed();
        throw new Error('the plugin fails');
      }),
  });
  const stream = SseStream.open(`${url}/rooms?channels=news`);
  await until(() => stream.lastEventId !== '');
  await expect(app.close()).rejects.toThrow('the plugin fails');
  expect(await stream.ended).toBe('end');
  // Nest runs the hooks again, and the server is closed already.
  await app.close();
  return registered;
}

/** Redis takes connections out of the registry no sooner than `wait` resolves. */
function holdUnregistering(wait: () => Promise<unknown>): void {
  // oxlint-disable-next-line typescript/unbound-method -- applied below
  const { unregister } = RedisRegistryStore.prototype;
  jest.spyOn(RedisRegistryStore.prototype, 'unregister').mockImplementation(async function (
    this: RedisRegistryStore,
    removals,
  ) {
    await wait();
    return unregister.call(this, removals);
  });
}

describe('a server that fails to close, after which Nest calls no more hooks', () => {
  it('leaves no connection in the registry', async () => {
    holdUnregistering(() => delay(50));
    expect(await closeWithFailingPlugin()).toBe(0);
  });

  it('leaves them where the hand-over does not wait for the registry (negative control)', async () => {
    const closed = deferred();
    holdUnregistering(() => closed.promise);
    jest.spyOn(NodeRegistration.prototype, 'settle').mockResolvedValue(undefined);
    expect(await closeWithFailingPlugin(() => closed.resolve())).toBe(1);
  });
});
