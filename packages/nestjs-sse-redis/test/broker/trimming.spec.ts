import { Hubs } from '../hub/hubs.js';

const EVENTS = 100;

const hubs = Hubs.over('redis');

/** How many commands trimmed the log of a channel by age, while events were published one after the other. */
async function trimsOf(ttl: number): Promise<number> {
  const test = await hubs.start({
    history: { ttl },
    ...{ heartbeatInterval: 1_000, probeInterval: 500, auditInterval: 500 },
  });
  await hubs.redis.cli('CONFIG', 'RESETSTAT');
  const began = performance.now();
  // Longer than a part of the shorter age, of 31 ms.
  for (let i = 0; i < EVENTS || performance.now() - began < 100; i++)
    await test.hub.publish('a', { data: i });
  const stats = String(await hubs.redis.cli('INFO', 'commandstats'));
  return Number(/^cmdstat_xtrim:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
}

it('a busy log is trimmed by age now and then, and not with each event', async () => {
  // A part of a day is 22 minutes.
  expect(await trimsOf(86_400_000)).toBeLessThanOrEqual(1);
});

it('a busy log whose events are kept for a short time is trimmed more often', async () => {
  expect(await trimsOf(2_000)).toBeGreaterThan(1);
});
