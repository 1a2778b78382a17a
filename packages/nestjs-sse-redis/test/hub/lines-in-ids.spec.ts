import { jest } from '@jest/globals';
import { until } from '@nestjs-sse-redis/testing';
import { eventIdOf, SseRegistry } from 'nestjs-sse-redis';
import { Lines } from '../../src/delivery/lines.js';
import { Fork, publish, told } from './failover-scene.js';

const fork = Fork.use();
afterEach(() => jest.restoreAllMocks());

const refused = (error: Error) => expect(error).toMatchObject({ code: 'REDIS_UNAVAILABLE' });

it('tells a client of what the old server alone had, after it left with an id that is younger than the new line', async () => {
  await fork.begin();
  await publish(fork.present, 'news', 10);
  const client = await fork.old.client(['news']);
  const lost = await publish(fork.old, 'news', 2);
  await client.waitFor(1);
  expect(client.lastEventId).toBe(lost);
  await client.close();
  const back = await fork.present.client(['news'], { lastEventId: lost });
  await back.waitFor(2);
  expect(told(back.messages)).toEqual([{ channel: 'news', to: expect.any(String) }, 10]);
  const page = await fork.present.hub.history('news', { after: lost });
  expect([page.gap, page.events.map(({ data }) => data)]).toEqual([true, [10]]);
});

it('passes over what the new server has where the line of the id is not looked at (control)', async () => {
  await fork.begin();
  await publish(fork.present, 'news', 10);
  const lost = await publish(fork.old, 'news', 2);
  // A position that was not given out yet would be taken for no id of the hub.
  await publish(fork.present, 'other', 3);
  jest.spyOn(Lines.prototype, 'leftAt').mockReturnValue(undefined);
  const back = await fork.present.client(['news'], { lastEventId: lost });
  await publish(fork.present, 'news', 11);
  await back.waitFor(1);
  expect(told(back.messages)).toEqual([11]);
});

it('lets a client with an id of the new line wait until the link leads to the new server', async () => {
  await fork.begin();
  const id = await publish(fork.present, 'news', 10);
  expect(id).toMatch(/^\d+-\d+\.1$/);
  const early = await fork.old.client(['news'], { lastEventId: id });
  await early.waitFor(1);
  expect(early.messages.map(({ type, data }) => [type, JSON.parse(data)])).toEqual([
    ['error', expect.objectContaining({ code: 'REDIS_UNAVAILABLE' })],
  ]);
  // It returns as it came.
  expect(early.lastEventId).toBe(id);
  await fork.old.hub.history('news', { after: id }).then(() => expect('an error').toBe('none'), refused);

  const client = await fork.old.client(['other']);
  await fork.scene.switchOver();
  await publish(fork.present, 'news', 11);
  const late = await fork.old.client(['news'], { lastEventId: id });
  await late.waitFor(1);
  expect(told(late.messages)).toEqual([11]);
  expect(told(client.messages)).toEqual([]);
});

it('goes on exactly from every kind of id of the new line, at every process', async () => {
  await fork.begin();
  await publish(fork.present, 'news', 10);
  await fork.scene.switchOver();
  const client = await fork.old.client(['news'], { lastEventId: await fork.present.hub.cursor() });
  const ids = [await fork.present.hub.cursor(), client.lastEventId, await publish(fork.old, 'news', 11)];
  await client.waitFor(1);
  expect(client.lastEventId).toBe(ids[2]);
  const page = await fork.present.hub.history('news');
  expect(page.events.map(({ id }) => eventIdOf(id)).at(-1)).toBe(ids[2]);
  ids.push(page.cursor);
  await publish(fork.present, 'news', 12);
  for (const process of [fork.old, fork.present]) {
    for (const [i, id] of ids.entries()) {
      expect(id).toMatch(/^\d+-\d+\.1$/);
      const back = await process.client(['news'], { lastEventId: id });
      const expected = i < 2 ? [11, 12] : [12];
      await back.waitFor(expected.length);
      expect(told(back.messages)).toEqual(expected);
    }
  }
  // What was published before the fork has the id that it had.
  expect(page.events[0]!.id).toMatch(/^\d+-\d+$/);
  const listener = fork.present.subscribe('news', { after: page.events[0]!.id });
  await until(() => listener.events.length === 3);
  expect(listener.data).toEqual([10, 11, 12]);
});

it('adds a channel to a live connection after an id of the new line, or of the one that is gone', async () => {
  await fork.begin();
  const lost = await publish(fork.old, 'news', 2);
  const after = await publish(fork.present, 'news', 10);
  await publish(fork.present, 'news', 11);
  const client = await fork.present.client(['other']);
  const registry = fork.present.running.app.get(SseRegistry);
  const connectionOf = async () => (await registry.list({ channel: 'other' })).connections[0]?.id;
  await until(async () => (await connectionOf()) !== undefined);
  const connection = (await connectionOf())!;
  await fork.present.hub.subscribe(connection, 'news', { after });
  await client.waitFor(1);
  expect(told(client.messages)).toEqual([11]);
  await fork.present.hub.unsubscribe(connection, 'news');
  await fork.present.hub.subscribe(connection, 'news', { after: lost });
  await client.waitFor(4);
  expect(told(client.messages).slice(1)).toEqual([{ channel: 'news', to: expect.any(String) }, 10, 11]);
});

it('tells a live client that had come with an event which this process had not heard', async () => {
  await fork.begin();
  await publish(fork.present, 'news', 10);
  const elsewhere = await fork.hubs.start({ redis: fork.hubs.redis.url, prefix: fork.scene.prefix });
  const lost = await publish(elsewhere, 'news', 2);
  const client = await fork.old.client(['news'], { lastEventId: lost });
  await fork.scene.switchOver();
  await client.waitFor(2);
  expect(told(client.messages)).toEqual([{ channel: 'news', to: expect.any(String) }, 10]);
});

it('goes on with the numbers of lines where the data were lost, and tells of nothing else', async () => {
  await fork.begin();
  const before = await publish(fork.present, 'news', 10);
  await fork.scene.switchOver();
  await until(() => Date.now() > Number(before.split('-')[0]) + 1);
  await fork.scene.next.cli('FLUSHALL');
  const id = await publish(fork.present, 'news', 11);
  expect(id).toMatch(/\.2$/);
  // This process may not have heard of it yet.
  const client = await fork.old.client(['news'], { lastEventId: id });
  await publish(fork.present, 'news', 12);
  await client.waitFor(1);
  expect(told(client.messages)).toEqual([12]);
  const lacking = await fork.old.client(['news'], { lastEventId: before });
  await lacking.waitFor(3);
  expect(told(lacking.messages)).toEqual([{ channel: 'news', to: expect.any(String) }, 11, 12]);
});

it('sends what a client lacks of a channel from before the fork, where its id is that of a late event', async () => {
  const own = await publish(fork.old, 'late', 1);
  await publish(fork.old, 'late', 2);
  await fork.begin();
  const lost = await publish(fork.old, 'news', 3);
  await publish(fork.present, 'news', 10);
  const client = await fork.present.client(['late', 'news'], { lastEventId: `${own}~${lost}` });
  await client.waitFor(4);
  expect(told(client.messages)).toEqual([
    { channel: 'late', to: expect.any(String) },
    { channel: 'news', to: expect.any(String) },
    2,
    10,
  ]);
});

it('keeps a client that went back to the fork from a process that is still behind it', async () => {
  await fork.begin();
  const client = await fork.old.client(['news']);
  await publish(fork.old, 'news', 2);
  await client.waitFor(1);
  const behind = await fork.hubs.start({ redis: fork.hubs.redis.url, prefix: fork.scene.prefix });
  await fork.scene.switchOver();
  await client.waitFor(2);
  // It stands where both servers have the same; but there it would get the event that is lost once more.
  expect(client.lastEventId).toMatch(/\.1$/);
  const early = await behind.client(['news'], { lastEventId: client.lastEventId });
  await early.waitFor(1);
  expect(early.messages).toMatchObject([{ type: 'error', data: '{"code":"REDIS_UNAVAILABLE"}' }]);
});
