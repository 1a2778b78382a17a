import { defineChannel, SseRedisError, SseRedisModule, SseRegistry } from 'nestjs-sse-redis';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { Hubs, type TestHub } from './hubs.js';

/** Arguments that TypeScript would refuse, as JavaScript and `any` hand them over. */
const bad = (value: unknown): never => value as never;
const codeOf = async (call: () => unknown): Promise<string> => {
  try {
    await call();
  } catch (error) {
    return error instanceof SseRedisError ? error.code : String(error);
  }
  return 'nothing thrown';
};

describe('arguments that mean nothing', () => {
  const hubs = Hubs.over('memory');
  let test: TestHub;

  it.each([
    ['a user that is undefined', { user: undefined }],
    ['a user that is null', { user: null }],
    ['no target', undefined],
    ['no field', {}],
    ['a field that is misspelled', { users: 'a' }],
    ['two fields', { user: 'a', channel: 'news' }],
    ['a list', ['a']],
  ])('refuses %s as a target, and leaves the streams of anonymous clients open', async (_, target) => {
    test = await hubs.start();
    const stream = await test.client(['news']);
    expect(await codeOf(() => test.hub.disconnect(bad(target)))).toBe('INVALID_ARGUMENT');
    expect(await codeOf(() => test.hub.subscribe(bad(target), 'more'))).toBe('INVALID_ARGUMENT');
    expect(await codeOf(() => test.hub.unsubscribe(bad(target), 'news'))).toBe('INVALID_ARGUMENT');
    if (target) expect(await codeOf(() => test.hub.reauthorize(bad(target)))).toBe('INVALID_ARGUMENT');
    await test.hub.publish('news', { data: 1 });
    await stream.waitFor(1);
    expect(stream.messages.map(({ data }) => data)).toEqual(['1']);
  });

  it.each([{ user: undefined }, {}, { user: 'a', channel: 'news' }, { users: 'a' }, { node: 'x' }])(
    'refuses %j as what changes are of',
    async (of) => {
      test = await hubs.start();
      const registry = test.running.app.get(SseRegistry);
      expect(await codeOf(() => registry.changesOf(bad(of)))).toBe('INVALID_ARGUMENT');
    },
  );

  it('finds the connections of a user whose id is given as a number', async () => {
    test = await hubs.start({ identify: () => 42 });
    await test.client(['news']);
    expect(await test.hub.disconnect({ user: bad(42) })).toMatchObject({ connections: 1 });
  });

  it.each([{ user: undefined }, { users: 'a' }, { user: null }, { node: 5 }])(
    'refuses %p as a filter of the registry, which would name everybody',
    async (filter) => {
      test = await hubs.start({ identify: () => 42 });
      await test.client(['news']);
      const registry = test.running.app.get(SseRegistry);
      expect(await codeOf(() => registry.count(bad(filter)))).toBe('INVALID_ARGUMENT');
      expect(await codeOf(() => registry.list(bad(filter)))).toBe('INVALID_ARGUMENT');
      expect(await registry.count({ user: bad(42) })).toBe(1);
      expect(await registry.count({ channel: 'news', user: bad(undefined) })).toBe(1);
    },
  );

  it.each([
    ['disconnect', { reconect: true }],
    ['disconnect', { reconnect: 'yes' }],
    ['disconnect', null],
    ['subscribe', { After: '1767225600000-0' }],
    ['subscribe', null],
  ] as const)('refuses wrong options of %s: %j', async (method, options) => {
    const { hub } = await hubs.start();
    const call = () =>
      method === 'disconnect'
        ? hub.disconnect({ user: 'a' }, bad(options))
        : hub.subscribe({ user: 'a' }, 'news', bad(options));
    expect(await codeOf(call)).toBe('INVALID_ARGUMENT');
  });

  it('refuses what is no argument of a method with a code', async () => {
    const { hub } = await hubs.start();
    const calls: [() => unknown, string][] = [
      [() => hub.publish('news', { data: 1 }, bad(null)), 'INVALID_ARGUMENT'],
      [() => hub.publish('news', { data: 1 }, bad(5)), 'INVALID_ARGUMENT'],
      [() => hub.publish('news', { data: 1 }, { ephemeral: bad('yes') }), 'INVALID_EVENT'],
      [() => hub.publishMany(bad(undefined)), 'INVALID_ARGUMENT'],
      [() => hub.publishMany(bad(new Set([{ channel: 'news', data: 1 }]))), 'INVALID_ARGUMENT'],
      [() => hub.events('news', bad(null)), 'INVALID_ARGUMENT'],
      [() => hub.history('news', bad(null)), 'INVALID_ARGUMENT'],
      [() => hub.sendTo(bad(undefined), { data: 1 }), 'INVALID_ARGUMENT'],
      [() => hub.sendTo(bad({ connection: 'a' }), { data: 1 }), 'INVALID_ARGUMENT'],
      [() => hub.subscribe({ user: 'a' }, bad(5)), 'INVALID_CHANNEL'],
      [() => hub.subscribe({ user: 'a' }, bad({})), 'INVALID_CHANNEL'],
      [() => hub.disconnect({ channel: 'user:undefined' }), 'INVALID_CHANNEL'],
    ];
    const codes = await Promise.all(calls.map(([call]) => codeOf(call)));
    expect(codes).toEqual(calls.map(([, code]) => code));
  });

  it.each([
    ['a Promise', Promise.resolve(1)],
    ['a Map', new Map([[1, 2]])],
    ['a Set', new Set([1])],
    ['an Error', new Error('lost')],
    ['an invalid Date', new Date(NaN)],
    ['a Response', new Response('{}')],
    ['a Headers', new Headers({ a: '1' })],
    ['a FormData', new FormData()],
    ['a URLSearchParams', new URLSearchParams('a=1')],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['a RegExp', /a/],
    ['a Generator', (function* () {})()],
    ['an AsyncGenerator', (async function* () {})()],
  ])('refuses %s as data, of which JSON would keep nothing', async (what, data) => {
    const { hub } = await hubs.start();
    await expect(hub.publish('news', { data })).rejects.toThrow(what);
    // The negative control: what is empty by itself is sent.
    await hub.publishMany([{}, null, new Date(0)].map((empty) => ({ channel: 'empty', data: empty })));
    expect((await hub.history('empty')).events).toHaveLength(3);
  });

  it.each([
    ['an object with a field toString', () => JSON.parse('{"toString":1,"valueOf":1}') as unknown],
    ['an object without a prototype', () => Object.create(null) as unknown],
    ['a list of such', () => [Object.create(null) as unknown]],
    ['a BigInt', () => 5n],
    ['a symbol', () => Symbol('s')],
  ])('refuses %s of a request with a code', async (_, make) => {
    const { hub, running } = await hubs.start();
    const registry = running.app.get(SseRegistry);
    const calls: [() => unknown, string][] = [
      [() => hub.publish('news', { data: 1 }, { ephemeral: bad(make()) }), 'INVALID_EVENT'],
      [() => hub.history('news', { limit: bad(make()) }), 'INVALID_ARGUMENT'],
      [() => hub.history('news', { after: bad(make()) }), 'INVALID_EVENT_ID'],
      [() => hub.events('news', { after: bad(make()) }), 'INVALID_EVENT_ID'],
      [() => hub.disconnect({ user: 'a' }, { reconnect: bad(make()) }), 'INVALID_ARGUMENT'],
      [() => hub.run('a', () => [], { onExisting: bad(make()) }), 'INVALID_ARGUMENT'],
      [() => hub.run('a', () => [], { retainAfterEnd: bad(make()) }), 'INVALID_ARGUMENT'],
      [() => registry.list({}, { limit: bad(make()) }), 'INVALID_ARGUMENT'],
    ];
    expect(await Promise.all(calls.map(([call]) => codeOf(call)))).toEqual(calls.map(([, code]) => code));
  });

  it('shows a number that came as text in quotes', async () => {
    const { hub } = await hubs.start();
    await expect(hub.history('news', { limit: bad('5') })).rejects.toThrow('it got "5"');
  });

  it('refuses an object as the id of the user that may be online', async () => {
    const registry = (await hubs.start()).running.app.get(SseRegistry);
    expect(await codeOf(() => registry.isOnline(bad({ toString: 1 })))).toBe('INVALID_ARGUMENT');
    expect(await registry.isOnline(42)).toBe(false);
  });

  // Jest fails a test during which a rejection is left to the process, which ends it outside of Jest.
  it.each(['plain', 'defined'])(
    'refuses a Promise that rejects as data of a %s channel, and handles it',
    async (channel) => {
      const { hub } = await hubs.start({
        channels: [defineChannel('defined', { events: { message: z.object({}) } })],
      });
      const load = () => Promise.reject(new Error('no row'));
      const code = channel === 'plain' ? 'INVALID_EVENT' : 'INVALID_EVENT_DATA';
      await expect(hub.publish(channel, { data: load() })).rejects.toMatchObject({ code });
      const results = await hub.publishMany([{ channel, data: load() }]);
      expect(results).toMatchObject([{ error: { code } }]);
      expect(await codeOf(() => hub.sendTo('x.y', { data: load() }))).toBe('INVALID_EVENT');
      await setImmediate();
    },
  );

  it.each(['redis://localhost', ['redis://localhost'], null])('refuses forRoot(%j)', (options) => {
    expect(() => SseRedisModule.forRoot(bad(options))).toThrow(/takes an options object/);
  });
});
