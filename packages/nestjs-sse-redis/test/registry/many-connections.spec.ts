import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { RoomsProcess } from './rooms-process.js';

const MANY = 10_000;
const LEASE = 1_500;

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
  await until(async () => (await work()).sent >= 4, { timeout: 4 * LEASE, interval: 20 });
  const { sent, all, counts } = await work();
  return (all - counts) / sent;
}

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
  const renewalOfMany = await renewal();

  process.stdout.write(
    `\nregistry: ${MANY} connections registered with ${registering.sent} scripts, ${(registering.all / MANY).toFixed(2)} commands each (within scripts included), ` +
      `${Math.round(memory / MANY)} bytes of Redis each; commands of a renewal: ${renewalOfNone} with none, ${renewalOfMany} with ${MANY}\n`,
  );
  // Far below; how far depends on how quickly they come. What runs within the scripts is printed, as that does too.
  expect(registering.sent).toBeLessThanOrEqual(MANY);
  expect(renewalOfMany).toBe(renewalOfNone);

  // And all of it goes again.
  node.crowd!.drop();
  await until(async () => (await node.count()) === 0, { timeout: 30_000 });
  const left = (await redis.cli('KEYS', '*:reg2:*')) as string[];
  expect(left.sort()).toEqual(['{sse}:reg2:node-info', '{sse}:reg2:nodes']);
});
