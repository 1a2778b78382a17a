import { jest } from '@jest/globals';
import { InvalidArgumentError } from 'nestjs-sse-redis';
import { InvalidChannelError, InvalidEventIdError, type SseEvent } from 'nestjs-sse-redis';
import { allBrokers, dataOf, failureOf, Hubs, type TestHub } from './hubs.js';

const ID = /^\d{13}-\d+(@\d)?$/;

describe.each(allBrokers)('hub.history() over the $broker broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  async function publish({ hub }: TestHub, count: number, channel = 'a'): Promise<string[]> {
    const results = await hub.publishMany(
      Array.from({ length: count }, (_, i) => ({ channel, type: i % 2 ? 'odd' : undefined, data: i })),
    );
    return results.map((result) => ('id' in result ? result.id : String(result.error)));
  }

  it('gives the last events in their order, as they were published', async () => {
    const test = await hubs.start();
    const ids = await publish(test, 10);
    await publish(test, 5, 'b');
    const { events, gap, cursor } = await test.hub.history('a', { limit: 3 });
    expect(events).toEqual([
      { id: ids[7], channel: 'a', type: 'odd', data: 7 },
      { id: ids[8], channel: 'a', data: 8 },
      { id: ids[9], channel: 'a', type: 'odd', data: 9 },
    ]);
    expect(gap).toBe(false);
    expect(cursor).toMatch(ID);
    expect(dataOf(await test.hub.history('a', { limit: 1 }))).toEqual([9]);
    expect(dataOf(await test.hub.history('a', { limit: 1_000 }))).toHaveLength(10);
  });

  it('gives a hundred where nothing is asked', async () => {
    const test = await hubs.start();
    const ids = await publish(test, 120);
    const { events } = await test.hub.history('a');
    expect(events.map(({ id }) => id)).toEqual(ids.slice(20));
  });

  it('gives the events after an id, oldest first', async () => {
    const test = await hubs.start();
    const ids = await publish(test, 10);
    const page = await test.hub.history('a', { after: ids[3]!, limit: 2 });
    expect(page).toMatchObject({ events: [{ id: ids[4] }, { id: ids[5] }], cursor: ids[5], gap: false });
    expect((await test.hub.history('a', { after: ids[9]! })).events).toEqual([]);
    // An id of another channel of the shard, or of none, is a place in the one order all the same.
    await publish(test, 1, '{a}b');
    const { id } = await test.hub.publish('{a}b', { data: 'between' });
    const [last] = await publish(test, 1);
    expect((await test.hub.history('a', { after: id })).events.map((event) => event.id)).toEqual([last]);
  });

  it('gives from the start what is published first while it looks for the start', async () => {
    const test = await hubs.start();
    const { broker } = test.hub.internals.shards.of('a');
    const position = broker.position.bind(broker);
    jest.spyOn(broker, 'position').mockImplementationOnce(async () => {
      await test.hub.publish('a', { data: 'first' });
      return position();
    });
    const page = await test.hub.history('a', { after: 'start' });
    expect(dataOf(page)).toEqual(['first']);
    expect(page.gap).toBe(false);
  });

  it.each([1, 7, 100, 256, 1_000])('gives everything once in pages of %d', async (limit) => {
    const test = await hubs.start();
    const before = await test.hub.cursor();
    const ids: string[] = [];
    // Between them the events of another channel, which must not move anything.
    for (let i = 0; i < 5; i++) {
      ids.push(...(await publish(test, limit === 1 ? 5 : 60)));
      await publish(test, 10, 'b');
    }
    const read: SseEvent[] = [];
    for (let after = before; ;) {
      const page = await test.hub.history('a', { after, limit });
      expect(page.gap).toBe(false);
      expect(page.events.length).toBeLessThanOrEqual(limit);
      read.push(...page.events);
      if (page.events.length === 0) break;
      after = page.cursor;
    }
    expect(read.map(({ id }) => id)).toEqual(ids);
  });

  it('gives everything once in pages while more is published', async () => {
    const test = await hubs.start();
    const ids = await publish(test, 50);
    let after = ids[0]!;
    const read: string[] = [];
    for (let page = 0; page < 30; page++) {
      const { events, cursor } = await test.hub.history('a', { after, limit: 10 });
      read.push(...events.map(({ id }) => id));
      after = cursor;
      if (page < 10) ids.push(...(await publish(test, 5)));
    }
    expect(read).toEqual(ids.slice(1));
  });

  it('gives a cursor from which a stream goes on', async () => {
    const test = await hubs.start();
    const ids = await publish(test, 20);
    const pages = [
      { page: await test.hub.history('a', { limit: 5 }), next: 20 },
      { page: await test.hub.history('a', { after: ids[0]!, limit: 5 }), next: 6 },
      { page: await test.hub.history('a', { limit: 0 }), next: 20 },
    ];
    ids.push(...(await publish(test, 3)));
    for (const { page, next } of pages) {
      const client = await test.client(['a'], { lastEventId: page.cursor });
      await client.waitFor(({ id }) => id === ids[22]);
      expect(client.eventIds).toEqual(ids.slice(next));
    }
  });

  it('knows nothing of a channel that nobody has published to', async () => {
    const { hub } = await hubs.start();
    const page = await hub.history('nobody');
    expect(page).toEqual({ events: [], gap: false, cursor: expect.stringMatching(ID) as string });
    await hub.publish('nobody', { data: 'now' });
    expect(dataOf(await hub.history('nobody', { after: page.cursor }))).toEqual(['now']);
  });

  it('gives nothing of limit 0 but where it stands', async () => {
    const test = await hubs.start();
    const ids = await publish(test, 5);
    const now = await test.hub.history('a', { limit: 0 });
    expect(now).toMatchObject({ events: [], gap: false });
    expect((await test.hub.history('a', { after: now.cursor })).events).toEqual([]);
    const there = await test.hub.history('a', { limit: 0, after: ids[1]! });
    expect(there).toEqual({ events: [], gap: false, cursor: ids[1] });
  });

  it('keeps no ephemeral event', async () => {
    const test = await hubs.start();
    const { id } = await test.hub.publish('a', { data: 1 });
    await test.hub.publish('a', { data: 'fleeting' }, { ephemeral: true });
    await test.hub.publish('a', { data: 2 });
    expect(await test.dataIn('a')).toEqual([1, 2]);
    expect(dataOf(await test.hub.history('a', { after: id, limit: 1 }))).toEqual([2]);
  });

  it('tells of a gap where events after the id were trimmed', async () => {
    const test = await hubs.start({ history: { maxLength: 10 } });
    const ids = await publish(test, 500);
    const page = await test.hub.history('a', { after: ids[0]!, limit: 1_000 });
    expect(page.gap).toBe(true);
    expect(page.events.map(({ id }) => id)).toEqual(ids.slice(-page.events.length));
    expect(page.events.length).toBeGreaterThanOrEqual(10);
    // The last events are what there is: whoever asks for those has missed none.
    const last = await test.hub.history('a', { limit: 1_000 });
    expect(last).toMatchObject({ gap: false, events: page.events });
    // Exactly at the edge nothing is missing; one event before, one is.
    const edge = ids.length - page.events.length;
    expect((await test.hub.history('a', { after: ids[edge - 1]! })).gap).toBe(false);
    expect((await test.hub.history('a', { after: ids[edge - 2]! })).gap).toBe(true);
  });

  it('tells of a gap at an id that is still to come, and gives a cursor to go on from', async () => {
    const test = await hubs.start();
    await publish(test, 3);
    const after = await test.futureId();
    const page = await test.hub.history('a', { after });
    expect(page).toMatchObject({ events: [], gap: true });
    await test.hub.publish('a', { data: 'next' });
    expect(await test.hub.history('a', { after: page.cursor })).toMatchObject({
      events: [{ data: 'next' }],
      gap: false,
    });
    const none = await test.hub.history('a', { after, limit: 0 });
    expect((await test.hub.history('a', { after: none.cursor })).gap).toBe(false);
  });

  it('has the end of a stream among its events', async () => {
    const test = await hubs.start();
    await test.hub.pipe('a', ['x', { type: 't', data: 1 }]);
    expect((await test.hub.history('a')).events).toMatchObject([
      { data: 'x' },
      { type: 't', data: 1 },
      { type: 'end', data: { channel: 'a' } },
    ]);
  });

  it.each([-1, 1.5, 1_001, NaN, Infinity, '10'])('refuses the limit %p', async (limit) => {
    const { hub } = await hubs.start();
    const failure = await failureOf(hub.history('a', { limit: limit as number }));
    expect(failure).toBeInstanceOf(InvalidArgumentError);
    expect(failure.message).toMatch(/limit takes a whole number from 0 to 1000, it got /);
  });

  it('refuses a bad channel and a bad id', async () => {
    const { hub } = await hubs.start();
    expect(await failureOf(hub.history(''))).toBeInstanceOf(InvalidChannelError);
    for (const after of ['', 'x', '1', '1-5000', 5, null]) {
      const failure = await failureOf(hub.history('a', { after: after as string }));
      expect(failure).toBeInstanceOf(InvalidEventIdError);
      expect(failure.message).toMatch(/looks like 1767225600000-0(@\d)?, not /);
    }
  });
});

describe('hub.history() over Redis', () => {
  const hubs = Hubs.over('redis');

  it('tells of a gap after Redis was emptied, and not to who asks for the last events', async () => {
    const { hub } = await hubs.start();
    const { id: after } = await hub.publish('a', { data: 'lost' });
    await hubs.emptyRedis(after);
    expect(await hub.history('a')).toMatchObject({ events: [], gap: false });
    const page = await hub.history('a', { after });
    expect(page).toMatchObject({ events: [], gap: true });
    expect((await hub.history('a', { after: page.cursor })).gap).toBe(false);
    const { id } = await hub.publish('a', { data: 'new' });
    expect(await hub.history('a', { after })).toMatchObject({ events: [{ id }], gap: true });
    expect(await hub.history('a', { after: page.cursor })).toMatchObject({ events: [{ id }], gap: false });
  });

  it('is the same from another process', async () => {
    const [one, other] = await Promise.all([
      hubs.start({ prefix: 'shared' }),
      hubs.start({ prefix: 'shared' }),
    ]);
    await one.hub.publishMany([1, 2, 3].map((data) => ({ channel: 'a', data })));
    expect((await other.hub.history('a')).events).toEqual((await one.hub.history('a')).events);
    expect(await other.dataIn('a')).toEqual([1, 2, 3]);
  });
});
