import {
  defineChannel,
  InvalidChannelError,
  InvalidEventError,
  InvalidOptionsError,
  SseRegistry,
  StateFullError,
} from 'nestjs-sse-redis';
import { until } from '@nestjs-sse-redis/testing';
import { z } from 'zod';
import { brokers, failureOf, Hubs } from '../hub/hubs.js';
import { Scene } from '../publisher/publishers.js';
import { keysOf, SCRIPT, toArguments } from '../publisher/foreign-publisher.js';

const boards = defineChannel('board:{id}', {
  events: { moved: z.object({ x: z.number(), y: z.number().default(0) }) },
  state: { maxKeys: 3 },
});
const board = boards({ id: 1 });

describe.each(brokers)('a state channel over $broker', ({ broker }) => {
  const hubs = Hubs.over(broker);
  const start = () => hubs.start({ channels: [boards] });

  it('checks data, and keeps what the schema makes of the newest of each key', async () => {
    const { hub } = await start();
    await hub.publish(board, 'moved', { x: 1 }, { key: 'card é' });
    await hub.publish(board, { type: 'moved', data: { x: 2 } }, { key: 'b' });
    await hub.publishMany([{ channel: board, type: 'moved', data: { x: 3, y: 4 }, key: 'card é' }]);
    const { events, gap } = await hub.history(board);
    expect(events.map(({ key, data }) => [key, data])).toEqual([
      ['b', { x: 2, y: 0 }],
      ['card é', { x: 3, y: 4 }],
    ]);
    expect(gap).toBe(false);
  });

  it('refuses events without a key, wrong keys, keys elsewhere, and what no map can hold', async () => {
    const { hub } = await start();
    const event = { type: 'moved', data: { x: 1 } };
    const name = 'board:1';
    const failures = await Promise.all([
      failureOf(hub.publish(name, event)),
      failureOf(hub.publish(name, event, { key: '' })),
      failureOf(hub.publish(name, event, { key: 'x'.repeat(257) })),
      failureOf(hub.publish(name, event, { key: '\ud800' })),
      failureOf(hub.publish(name, event, { key: 'a', ephemeral: true })),
      failureOf(hub.publish('plain', event, { key: 'a' })),
      failureOf(hub.remove('plain', 'a')),
      failureOf(hub.remove(board, '')),
      failureOf(hub.publish(name, { type: 'map', data: 1 }, { key: 'a' })),
    ]);
    for (const failure of failures) expect(failure).toBeInstanceOf(InvalidEventError);
    expect(failures.map(({ message }) => message)).toEqual([
      expect.stringContaining('"board:1" is a state channel: publish with { key }'),
      ...Array.from(
        { length: 3 },
        () => expect.stringContaining('a string of 1 to 256 characters') as unknown,
      ),
      expect.stringContaining('leave out ephemeral'),
      expect.stringContaining('"plain" is no state channel here'),
      expect.stringContaining('"plain" is no state channel here'),
      expect.stringContaining('a string of 1 to 256 characters'),
      expect.stringContaining('"map" is taken'),
    ]);
    expect(await failureOf(hub.pipe(name, ['a']))).toBeInstanceOf(InvalidChannelError);
    expect(await failureOf(hub.run(name, () => ['a']))).toBeInstanceOf(InvalidChannelError);
    expect((await hub.history(board)).events).toEqual([]);
  });

  it('refuses a key beyond the most, and takes it once another is removed', async () => {
    const { hub } = await start();
    const move = (key: string) => hub.publish(board, 'moved', { x: 1 }, { key });
    for (const key of ['a', 'b', 'c', 'a']) await move(key);
    const failure = await failureOf(move('d'));
    expect(failure).toBeInstanceOf(StateFullError);
    expect(failure.message).toContain('"board:1" has 3 keys');
    await hub.remove(board, 'b');
    await hub.remove(board, 'not there');
    await move('d');
    expect((await hub.history(board)).events.map(({ key }) => key)).toEqual(['c', 'a', 'd']);
  });

  it('has a history that is read page by page, and goes on with what changes', async () => {
    const { hub } = await start();
    const move = (key: string, x: number) => hub.publish(board, 'moved', { x }, { key });
    for (const key of ['a', 'b', 'c']) await move(key, 1);
    const first = await hub.history(board, { limit: 2 });
    await move('a', 2);
    await hub.remove(board, 'b');
    const second = await hub.history(board, { limit: 2, after: first.cursor });
    const third = await hub.history(board, { limit: 2, after: second.cursor });
    expect([first, second, third].map(({ gap }) => gap)).toEqual([false, false, false]);
    expect([first, second, third].map(({ events }) => events.map(({ key, type }) => [key, type]))).toEqual([
      [
        ['a', 'moved'],
        ['b', 'moved'],
      ],
      [
        ['c', 'moved'],
        ['a', 'moved'],
      ],
      [['b', 'map']],
    ]);
    for (let i = 0; i < 5; i++) {
      await move(`d${i}`, i);
      await hub.remove(board, `d${i}`);
    }
    expect((await hub.history(board, { after: first.cursor })).gap).toBe(true);
    expect((await hub.history(board, { after: third.cursor })).gap).toBe(true);
    expect((await hub.history(board, { after: await hub.cursor(board) })).gap).toBe(false);
  });

  it('has a history whose pages are full, however many keys were removed before', async () => {
    const { hub } = await start();
    const place = (key: string) => hub.publish(board, 'moved', { x: 1 }, { key });
    for (const key of ['a', 'b', 'c']) await place(key);
    for (const key of ['a', 'b']) await hub.remove(board, key);
    await place('c');
    await place('d');
    const pages = [];
    for (let after = 'start'; ; after = pages.at(-1)!.cursor) {
      const page = await hub.history(board, { limit: 1, after });
      if (page.events.length === 0) break;
      pages.push(page);
    }
    expect(pages.map(({ events, gap }) => [events[0]!.key, gap])).toEqual([
      ['c', false],
      ['d', false],
    ]);
  });

  it('has no gap in the history after an id from before its first event', async () => {
    const { hub } = await start();
    const before = await hub.cursor();
    await hub.publish(board, 'moved', { x: 1 }, { key: 'a' });
    expect(await hub.history(board, { after: before })).toMatchObject({ gap: false, events: [{ key: 'a' }] });
  });

  it('emits the map to code of the server, and then what changes', async () => {
    const { hub, ...test } = await start();
    void test;
    await hub.publish(board, 'moved', { x: 1 }, { key: 'a' });
    const seen: unknown[] = [];
    const subscription = hub
      .events(board)
      .subscribe(({ type, key, data }) => seen.push(type === 'map' ? data : [key, data]));
    await until(() => seen.length === 3);
    await hub.publish(board, 'moved', { x: 2 }, { key: 'b' });
    await hub.remove(board, 'a');
    await until(() => seen.length === 5);
    subscription.unsubscribe();
    expect(seen).toEqual([
      { channel: 'board:1', begins: true },
      ['a', { x: 1, y: 0 }],
      { channel: 'board:1', complete: true },
      ['b', { x: 2, y: 0 }],
      { channel: 'board:1', removed: 'a' },
    ]);
  });

  it('refuses a stream of more state channels than an id has room for', async () => {
    const test = await start();
    const channels = Array.from({ length: 257 }, (_, i) => `board:${i}`);
    const response = await fetch(test.url(...channels));
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('at most 256 state channels');
  });

  it('refuses to put more state channels on a stream than an id has room for', async () => {
    const test = await start();
    const channels = Array.from({ length: 200 }, (_, i) => `board:${i}`);
    await test.client(channels);
    const registry = test.running.app.get(SseRegistry);
    const { id } = await until(async () => (await registry.list({})).connections[0]);
    const more = Array.from({ length: 57 }, (_, i) => `board:${1_000 + i}`);
    await expect(test.hub.subscribe(id, more)).rejects.toMatchObject({ code: 'TOO_MANY_CHANNELS' });
    expect(await test.hub.subscribe(id, ['news', ...more.slice(1)])).toMatchObject({ connections: 1 });
    await expect(test.hub.subscribe(id, more[0]!)).rejects.toMatchObject({ code: 'TOO_MANY_CHANNELS' });
  });
});

describe('publishing to a state channel from elsewhere', () => {
  const hubs = Hubs.over('redis');

  it('works by a publisher with the definition', async () => {
    const scene = await Scene.start(hubs, { channels: [boards] });
    const publisher = scene.publisher({ channels: [boards] });
    await publisher.publish(board, 'moved', { x: 1 }, { key: 'a' });
    await publisher.publish(board, 'moved', { x: 2 }, { key: 'b' });
    await publisher.remove(board, 'a');
    const { events } = await scene.test.hub.history(board);
    expect(events.map(({ key }) => key)).toEqual(['b']);
    expect(await failureOf(publisher.publish('board:1', { data: 1 }))).toBeInstanceOf(InvalidEventError);
  });

  it('is refused by publish-event.lua, and leaves the map alone without the definition', async () => {
    const scene = await Scene.start(hubs, { channels: [boards] });
    const { hub } = scene.test;
    await hub.publish(board, 'moved', { x: 1 }, { key: 'a' });
    const event = { kind: 'json', type: 'moved', data: '{}' } as const;
    const keys = keysOf('board:1', { prefix: scene.prefix, key: undefined });
    const refusal = await failureOf(hubs.redis.cli('EVAL', SCRIPT, ...toArguments(keys, event)));
    expect(refusal.message).toContain('INVALID_CHANNEL it is a state channel');
    await scene.publisher().publishMany(Array.from({ length: 9 }, () => ({ channel: 'board:1', data: 1 })));
    expect((await hub.history(board)).events.map(({ key }) => key)).toEqual(['a']);
  });

  it('makes the index anew where Redis evicted it', async () => {
    const scene = await Scene.start(hubs, { channels: [boards] });
    const { hub } = scene.test;
    const ids: string[] = [];
    for (const key of ['a', 'b', 'a']) ids.push((await hub.publish(board, 'moved', { x: 1 }, { key })).id);
    await hub.remove(board, 'b');
    await hubs.redis.cli('DEL', `{${scene.prefix}}:keys:board:1`);
    // Which removals were forgotten is not known.
    expect((await hub.history(board, { after: ids[2]! })).gap).toBe(true);
    await hub.publish(board, 'moved', { x: 2 }, { key: 'a' });
    await hub.publish(board, 'moved', { x: 3 }, { key: 'b' });
    const { events } = await hub.history(board);
    expect(events.map(({ key, data }) => [key, data])).toEqual([
      ['a', { x: 2, y: 0 }],
      ['b', { x: 3, y: 0 }],
    ]);
  });
});

describe('a definition with state', () => {
  it.each<[object, string]>([
    [{ state: 'yes' }, 'state takes true, false or an object { maxKeys }'],
    [{ state: { keys: 5 } }, 'there is no option "state.keys"'],
    [{ state: { maxKeys: 0 } }, 'state.maxKeys takes a whole number from 1 to 10000'],
    [{ state: true, rewind: 5 }, 'leave out rewind'],
    [{ state: true, ephemeral: true }, 'leave out ephemeral'],
    [{ state: true, history: { maxLength: 5 } }, 'of history it takes ttl alone'],
    [{ state: true, events: { map: z.string() } }, 'the event type "map" is taken'],
  ])('is refused: %j', (options, message) => {
    expect(() => defineChannel('board:{id}', options)).toThrow(InvalidOptionsError);
    expect(() => defineChannel('board:{id}', options)).toThrow(message);
  });
});
