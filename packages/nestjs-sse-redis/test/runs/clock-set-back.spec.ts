import { deferred } from '@nestjs-sse-redis/testing';
import { Hubs } from '../hub/hubs.js';

const hubs = Hubs.over('redis');

it('says of a run over which the clock of Redis was set back that it ended no earlier than it began', async () => {
  const { hub } = await hubs.start({ prefix: 'back' });
  await (await hub.run('a', () => ['all'])).outcome();
  const { startedAt } = (await hub.runOf('a'))!;
  // What the script stores where the clock has been set back by an hour.
  await hubs.redis.cli('HSET', '{back}:run:a', 'ended', String(startedAt - 3_600_000));
  expect(await hub.runOf('a')).toMatchObject({ state: 'done', startedAt, endedAt: startedAt });
});

it('says when a run ended, which goes on until then (control)', async () => {
  const { hub } = await hubs.start();
  const held = deferred();
  const run = await hub.run('a', async function* () {
    yield 'first';
    await held.promise;
  });
  expect(await hub.runOf('a')).toMatchObject({ state: 'running', endedAt: undefined });
  held.resolve();
  await run.outcome();
  const { startedAt, endedAt } = (await hub.runOf('a'))!;
  expect(endedAt).toBeGreaterThanOrEqual(startedAt);
});
