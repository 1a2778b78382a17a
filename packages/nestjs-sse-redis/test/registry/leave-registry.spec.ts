import { TcpProxy, useRedis } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { NodeRegistration } from '../../src/registry/node-registration.js';
import { Heard } from '../broker/broker-set-ups.js';

/** Five batches. */
const MANY = 1_280;
/** ms on each way. All together take three seconds, more than one answer may take, and far less than all of them may. */
const DELAY = 250;

const redis = useRedis();
const closing: (() => Promise<void>)[] = [];
let warnings: string[];

beforeEach(() => {
  warnings = [];
  jest
    .spyOn(Logger.prototype, 'warn')
    .mockImplementation((text: unknown) => void warnings.push(String(text)));
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  jest.restoreAllMocks();
});

async function startBroker(prefix: string, port: number): Promise<RedisBroker> {
  const options = resolveOptions({
    redis: `redis://127.0.0.1:${port}`,
    prefix,
    registry: { leaseTtl: 60_000 },
  });
  const broker = new RedisBroker(options.redis!, options, randomUUID());
  await broker.start(new Heard());
  closing.push(() => broker.close());
  return broker;
}

const connectionOf = (id: string) => ({
  ...{ id, node: 'n', channels: ['news'], user: undefined },
  ...{ address: undefined, userAgent: undefined, metadata: undefined },
});

/** A process with many connections, and another one that looks. */
async function startRegistered() {
  const proxy = await TcpProxy.start({ target: redis.port });
  closing.push(() => proxy.stop());
  const prefix = randomUUID();
  const [own, other] = [await startBroker(prefix, proxy.port), await startBroker(prefix, redis.port)];
  const options = {
    ...{ leaseTtl: 60_000, sweepInterval: 60_000, idle: 'normal' as const },
    ...{ connectionsPerUser: 0, connectionsPerAddress: 0 },
  };
  const node = { id: 'n', host: 'here', pid: 1 };
  const registration = new NodeRegistration(node, own.registry, options, own.pause);
  await registration.start();
  const ids = Array.from({ length: MANY }, (_, i) => `n.${i}`);
  await Promise.all(ids.map((id) => registration.register(connectionOf(id))));
  expect(await other.registry.count({})).toBe(MANY);
  return { proxy, registration, ids, other };
}

it('takes out thousands of connections over a slow link, as long as Redis answers', async () => {
  const { proxy, registration, ids, other } = await startRegistered();
  proxy.delay(DELAY);
  for (const id of ids) registration.unregister(id, 'drained');
  await registration.stop();
  expect(warnings).toEqual([]);
  expect(await other.registry.count({})).toBe(0);
});

it('leaves the rest to the lease where Redis answers nothing', async () => {
  const { proxy, registration, ids } = await startRegistered();
  proxy.blackhole(true);
  for (const id of ids) registration.unregister(id, 'drained');
  await registration.stop();
  expect(warnings).toEqual([
    expect.stringMatching(/Could not leave the registry.*did not answer within 2000 ms/),
  ]);
});
