import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { CHANGES_CHANNEL, type NewConnection } from '../../src/broker/registry-store.interface.js';
import { RedisRefusedError } from '../../src/errors/redis-refused.error.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard } from './broker-set-ups.js';

const MANY = 10_000;
const LONG = 60_000;
const NO_LIMITS = { connectionsPerUser: 0, connectionsPerAddress: 0 };

let redis: RedisServer;
let prefix: string;
let brokers: RedisBroker[];
let heard: Heard[];

/** Brokers of one hub, whose nodes are n0, n1 and so on, each with a lease. */
async function start(count: number): Promise<RedisBroker> {
  prefix = randomUUID();
  // A renewal that carries a probe takes three commands more. A busy machine takes seconds for thousands of connections.
  const options = resolveOptions({
    ...{ redis: redis.url, prefix },
    ...{ probeInterval: 600_000, publishTimeout: 600_000 },
  });
  heard = Array.from({ length: count }, () => new Heard());
  brokers = heard.map((_, i) => new RedisBroker(redis.url, options, `n${i}`));
  await Promise.all(brokers.map((broker, i) => broker.start(heard[i]!)));
  for (const [i, { registry }] of brokers.entries()) await registry.renew(node(`n${i}`), LONG);
  return brokers[0]!;
}

const node = (id: string) => ({ id, host: 'here', pid: 1 });

function connections(ofNode: string, count: number, more: Partial<NewConnection> = {}): NewConnection[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${ofNode}.${String(i).padStart(6, '0')}`,
    node: ofNode,
    user: `user-${i}`,
    channels: ['news'],
    address: `10.0.${i >> 8}.${i & 255}`,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0',
    metadata: undefined,
    ...more,
  }));
}

/** The commands that Redis ran meanwhile, those within scripts included. */
async function commandsOf(work: () => Promise<unknown>): Promise<number> {
  await redis.cli('CONFIG', 'RESETSTAT');
  await work();
  const stats = String(await redis.cli('INFO', 'commandstats'));
  return [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].reduce(
    (sum, [, name, calls]) => (/^(info|config|ping)/.test(name!) ? sum : sum + Number(calls)),
    0,
  );
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function usedMemory(): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await redis.cli('INFO', 'memory')))![1]);
}

const registryKeys = async () => (await redis.cli('KEYS', `{${prefix}}:reg2:*`)) as string[];

beforeAll(async () => {
  redis = await RedisServer.start();
});
afterEach(async () => {
  await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
  await Promise.all(brokers.map((broker) => broker.close()));
  await redis.cli('FLUSHALL');
});
afterAll(() => redis.stop());

it(`takes no more than two commands a connection for ${MANY}, limits or not, and as many to renew as without any`, async () => {
  const { registry } = await start(2);
  const all = connections('n0', MANY);
  // So that they are in Redis, which is a command more.
  await registry.register('n0', [], NO_LIMITS);
  await registry.unregister([]);
  const renew = () => registry.renew(node('n0'), LONG);
  const toRenewNone = await commandsOf(renew);

  const before = await usedMemory();
  const toRegister = await commandsOf(() => registry.register('n0', all, NO_LIMITS));
  const bytes = (await usedMemory()) - before;
  expect(await registry.count({ channel: 'news' })).toBe(MANY);
  const toRenewMany = await commandsOf(renew);
  const toUnregister = await commandsOf(() =>
    registry.unregister(all.map(({ id }) => ({ id, reason: 'left' }))),
  );
  expect(await registry.count({})).toBe(0);
  const limits = { connectionsPerUser: 10, connectionsPerAddress: 100 };
  const toRegisterLimited = await commandsOf(() => registry.register('n0', all, limits));

  const each = (commands: number) => (commands / MANY).toFixed(2);
  process.stdout.write(
    `\nregistry: commands a connection: ${each(toRegister)} to register, ${each(toRegisterLimited)} with limits, ${each(toUnregister)} to unregister; ` +
      `${toRenewNone} to renew none, ${toRenewMany} to renew ${MANY}; about ${Math.round(bytes / MANY)} bytes of Redis each, the log of changes included\n`,
  );
  expect(toRegister / MANY).toBeLessThanOrEqual(2);
  expect(toUnregister / MANY).toBeLessThanOrEqual(2);
  expect(toRegisterLimited / MANY).toBeLessThanOrEqual(2.2);
  expect(toRenewMany).toBe(toRenewNone);
});

it('keeps the log of changes small, whatever the application adds to a connection', async () => {
  const { registry } = await start(1);
  const metadata = { text: 'x'.repeat(2_000) };
  await registry.register('n0', connections('n0', MANY, { metadata }), NO_LIMITS);
  const log = Number(await redis.cli('MEMORY', 'USAGE', `{${prefix}}:log:${CHANGES_CHANNEL}`, 'SAMPLES', 0));
  process.stdout.write(`\nregistry: the log of changes takes ${(log / 1_048_576).toFixed(1)} MiB\n`);
  expect(log).toBeLessThan(16 * 1_048_576);
});

it('leaves no key of a node that was swept, however many connections it had', async () => {
  const { registry } = await start(1);
  for (const count of [1_000, MANY]) {
    await registry.renew(node('dead'), LONG);
    await registry.register('dead', connections('dead', count), NO_LIMITS);
    await registry.renew(node('dead'), 1);
    await until(async () => (await registry.nodes()).length === 1);
    let longest = 0;
    let pieces = 0;
    const total = await timeOf(async () => {
      for (let more = true; more; pieces++) {
        longest = Math.max(
          longest,
          await timeOf(async () => ({ more } = await registry.sweep('n0', LONG, 500))),
        );
      }
    });
    process.stdout.write(
      `\nregistry: swept ${count} connections in ${Math.round(total)} ms, ${pieces} pieces, the longest ${Math.round(longest)} ms\n`,
    );
    expect((await registryKeys()).sort()).toEqual([`{${prefix}}:reg2:node-info`, `{${prefix}}:reg2:nodes`]);
  }
});

it('lets in exactly as many as the limit says, whatever comes at once to several nodes', async () => {
  await start(3);
  const limits = { connectionsPerUser: 10, connectionsPerAddress: 0 };
  const admissions = await Promise.all(
    brokers.flatMap(({ registry }, i) =>
      connections(`n${i}`, 100, { user: 'anna' }).map((one) => registry.register(`n${i}`, [one], limits)),
    ),
  );
  expect(admissions.flat().filter((admission) => admission === 'admitted')).toHaveLength(10);
  expect(await brokers[0]!.registry.count({ user: 'anna' })).toBe(10);
});

describe('when the memory of Redis is full', () => {
  it('admits nobody, but renews leases and takes out who leaves, who is lost, and who shuts down', async () => {
    const { registry } = await start(2);
    await registry.register('n0', connections('n0', 10), NO_LIMITS);
    await registry.register('n1', connections('n1', 10), NO_LIMITS);
    await registry.renew(node('dead'), LONG);
    await registry.register('dead', connections('dead', 10), NO_LIMITS);
    await registry.renew(node('dead'), 1);
    await until(async () => (await registry.nodes()).length === 2);

    await redis.cli('CONFIG', 'SET', 'maxmemory', '1mb');
    await expect(registry.register('n0', connections('n0', 11), NO_LIMITS)).rejects.toThrow(
      RedisRefusedError,
    );
    expect(await registry.renew(node('n0'), LONG)).toMatchObject({ isNew: false, connections: 10 });
    await registry.unregister([{ id: 'n0.000000', reason: 'left' }]);
    expect((await registry.sweep('n0', 1_000, 100)).removed).toBe(10);
    expect((await registry.leave('n1', 'shutdown', 100)).removed).toBe(10);
    expect(await registry.count({})).toBe(9);
  });
});

describe('a message to a node', () => {
  it('is heard by that node alone, also after its link was lost, and by nobody after it has closed', async () => {
    await start(2);
    const text = 'ключ 🙂\n\0';
    expect(await brokers[0]!.send('n1', text)).toBe(1);
    await until(() => heard[1]!.messages.length === 1);
    await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(() => heard[1]!.link.length === 2);
    expect(await brokers[0]!.send('n1', 'again')).toBe(1);
    await until(() => heard[1]!.messages.length === 2);
    expect(heard.map(({ messages }) => messages)).toEqual([[], [text, 'again']]);
    await brokers[1]!.close();
    await until(async () => (await brokers[0]!.send('n1', 'late')) === 0);
  });
});
