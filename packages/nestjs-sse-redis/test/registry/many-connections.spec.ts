import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { RoomsProcess } from './rooms-process.js';

const MANY = 10_000;
/** A busy machine loses a shorter one, and taking it anew is a command more than renewing it. */
const LEASE = 6_000;

let redis: RedisServer;
let node: RoomsProcess;

beforeAll(async () => {
  redis = await RedisServer.start();
  node = await RoomsProcess.start('fastify', {
    redis: redis.url,
    probeInterval: 60_000,
    heartbeatInterval: 60_000,
    // No sweep meanwhile: what is counted is registering and renewing.
    registry: { leaseTtl: LEASE, sweepInterval: 600_000 },
    auditInterval: 600_000,
  });
  // Behind what the start has to read.
  await renewal();
});
afterAll(async () => {
  await node?.stop();
  await redis.stop();
});

/** How often each command ran in Redis, those that scripts run included. */
async function commands(): Promise<Record<string, number>> {
  const stats = String(await redis.cli('INFO', 'commandstats'));
  return Object.fromEntries(
    [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, calls]) => [name, Number(calls)]),
  );
}

const OWN = new Set(['info', 'ping', 'config|resetstat', 'client|setinfo', 'hello']);

/** What the process had Redis do: scripts sent, and all commands, those within scripts included. */
async function work(): Promise<{ sent: number; all: number; counts: number }> {
  const counted = await commands();
  const all = Object.entries(counted).reduce((sum, [name, calls]) => (OWN.has(name) ? sum : sum + calls), 0);
  return { sent: counted['evalsha'] ?? 0, all, counts: counted['zlexcount'] ?? 0 };
}

/** The commands of one renewal of the lease, without the count of connections that every third makes. */
async function renewal(): Promise<number> {
  await redis.cli('CONFIG', 'RESETSTAT');
  await until(async () => (await work()).sent >= 4, { interval: 20 });
  const { sent, all, counts } = await work();
  return (all - counts) / sent;
}

const OWN_CHANNELS = 600;
/** What the process sends to Redis, at most, in bytes: of a connection, and of a command besides that. */
const BYTES = { connection: 500, command: 400 };
/** The least time between two commands, ms. */
const SPACING = { subscribe: 20, register: 20, position: 5 };

it('opens many streams with a channel each by commands that grow with time, not with streams', async () => {
  await redis.cli('CONFIG', 'RESETSTAT');
  const began = performance.now();
  await node.connect(
    Array.from({ length: OWN_CHANNELS }, (_, i) => ({ path: `/rooms?channels=user:${i}`, headers: {} })),
  );
  await until(async () => (await node.count()) === OWN_CHANNELS, { timeout: 30_000, interval: 200 });
  const elapsed = performance.now() - began;

  const counted = await commands();
  const input = Number(/total_net_input_bytes:(\d+)/.exec(String(await redis.cli('INFO', 'stats')))![1]);
  const subscribes = counted['subscribe'] ?? 0;
  const scripts = counted['evalsha'] ?? 0;
  process.stdout.write(
    `\n${OWN_CHANNELS} streams with a channel each, in ${Math.round(elapsed)} ms: ${subscribes} SUBSCRIBE, ${scripts} scripts, ` +
      `${Math.round(input / OWN_CHANNELS)} bytes to Redis each\n`,
  );
  expect(subscribes).toBeLessThanOrEqual(2 + elapsed / SPACING.subscribe);
  // Renewals and counts of the test as well.
  const others = 10 + elapsed / 200 + (3 * elapsed) / LEASE;
  expect(scripts).toBeLessThanOrEqual(others + elapsed / SPACING.register + elapsed / SPACING.position);
  expect(input).toBeLessThanOrEqual(
    OWN_CHANNELS * BYTES.connection + (subscribes + scripts + others) * BYTES.command,
  );
  node.crowd!.drop();
  await until(async () => (await node.count()) === 0, { timeout: 30_000 });
});

it(`registering and holding ${MANY} connections takes no more than two commands each, and renewing does not grow`, async () => {
  const renewalOfNone = await renewal();

  await redis.cli('CONFIG', 'RESETSTAT');
  const memoryBefore = Number(/used_memory:(\d+)/.exec(String(await redis.cli('INFO', 'memory')))![1]);
  await node.connect(
    Array.from({ length: MANY }, (_, i) => ({
      path: '/rooms?channels=news',
      headers: { 'x-user': `user-${i}` },
    })),
  );
  expect(await node.count()).toBe(MANY);
  const registering = await work();
  const memory =
    Number(/used_memory:(\d+)/.exec(String(await redis.cli('INFO', 'memory')))![1]) - memoryBefore;
  // Taking a lease anew, which a busy machine has lost, is a command more: what each renewal costs, no wait makes less.
  let renewalOfMany = NaN;
  await until(async () => (renewalOfMany = await renewal()) === renewalOfNone, { timeout: 120_000 });

  process.stdout.write(
    `\nregistry: ${MANY} connections registered with ${registering.sent} scripts, ${(registering.all / MANY).toFixed(2)} commands each (within scripts included), ` +
      `${Math.round(memory / MANY)} bytes of Redis each; commands of a renewal: ${renewalOfNone} with none, ${renewalOfMany} with ${MANY}\n`,
  );
  // Far below; how far depends on how quickly they come. What runs within the scripts is printed, as that does too.
  expect(registering.sent).toBeLessThanOrEqual(MANY);

  // And all of it goes again.
  node.crowd!.drop();
  await until(async () => (await node.count()) === 0, { timeout: 30_000 });
  const left = (await redis.cli('KEYS', '*:reg2:*')) as string[];
  expect(left.sort()).toEqual(['{sse}:reg2:node-info', '{sse}:reg2:nodes']);
});
