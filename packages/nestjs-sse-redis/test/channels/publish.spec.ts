import { setTimeout as delay } from 'node:timers/promises';
import {
  classSchema,
  defineChannel,
  InvalidChannelError,
  InvalidEventDataError,
  InvalidEventError,
  type PipeItem,
  type SseRedisOptions,
  type StandardSchema,
} from 'nestjs-sse-redis';
import { z } from 'zod';
import { brokers, dataOf, failureOf, Hubs } from '../hub/hubs.js';
import type { ChannelTurns } from '../../src/publish/channel-turns.js';
import { orders, paid, PriceDto } from './orders.js';

const order = orders({ id: 7 });
const wrong = { amount: 'twelve', items: [{ price: 1 }, { price: 'secret-price' }] } as never;

const tokens = defineChannel('answer:{id}', { events: { message: z.string(), usage: z.number() } });
const typing = defineChannel('typing:{room}', { ephemeral: true });

/** A schema that takes as many ms as the data says. */
const slow: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) => {
      await delay(value as number, undefined, { ref: false });
      return (value as number) < 0 ? { issues: [{ message: 'negative' }] } : { value: value as number };
    },
  },
};
const jobs = defineChannel('job:{id}', { events: { slow, quick: z.number() } });

describe.each(brokers)('publishing to a channel with a definition over $broker', ({ broker }) => {
  const hubs = Hubs.over(broker);
  const start = async (options: SseRedisOptions = {}) =>
    (await hubs.start({ channels: [orders, tokens, typing, jobs], ...options })).hub;

  it('stores the output of the schema', async () => {
    const hub = await start();
    const { id } = await hub.publish(order, 'paid', { amount: 12 });
    await hub.publish(order, 'seen', { at: '2026-11-28T01:00:00Z' });
    expect((await hub.history(order)).events).toEqual([
      { id, channel: 'order:7', type: 'paid', data: paid },
      expect.objectContaining({ type: 'seen', data: { at: '2026-11-28T01:00:00.000Z' } }),
    ]);
  });

  it('names the path of invalid data, stores nothing, and does not show the data', async () => {
    const hub = await start();
    const error = await failureOf(hub.publish(order, 'paid', wrong));
    expect(error).toBeInstanceOf(InvalidEventDataError);
    expect(error).toMatchObject({
      code: 'INVALID_EVENT_DATA',
      statusCode: 400,
      issues: [
        { path: 'amount', message: 'Expected number, received string' },
        { path: 'items.1.price', message: 'Expected number, received string' },
      ],
    });
    expect(error.message).toMatch(/"paid" of the channel "order:7".*items\.1\.price: Expected number/);
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('secret-price');
    expect(await hub.history('order:7')).toMatchObject({ events: [] });
  });

  it.each([
    ['a secret', 'got "a secret"', 'got "…"'],
    ['a secret', "expected 'a' | 'b', received 'a secret'", "expected 'a' | 'b', received '…'"],
    ['a "secret"', String.raw`got "a \"secret\""`, 'got "…"'],
    ['a secret', 'a secret is wrong', '… is wrong'],
    ['a', "a word is not 'a'", "a word is not '…'"],
    [-12.5, 'expected 12.5, received -12.5', 'expected 12.5, received …'],
    [5, 'at most 15, but 5', 'at most 15, but …'],
    ['', 'empty', 'empty'],
    [null, 'null is wrong', 'null is wrong'],
  ])('takes %j, which it refuses, out of the words of the schema', async (value, words, shown) => {
    const validate = () => ({ issues: [{ message: words, path: ['deep', { key: 0 }] }] });
    const schema: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate } };
    const { hub } = await hubs.start({ channels: [defineChannel('a', { events: { one: schema } })] });
    const error = await failureOf(hub.publish('a', { type: 'one', data: { deep: [value] } }));
    expect(error).toMatchObject({ issues: [{ path: 'deep.0', message: shown }] });
    expect(error.message).toContain(`deep.0: ${shown}`);
  });

  it('stores invalid data where no definition is registered (negative control)', async () => {
    const hub = await start({ channels: [] });
    await hub.publish('order:7', { type: 'paid', data: wrong });
    expect(dataOf(await hub.history('order:7'))).toEqual([wrong]);
  });

  it('names the path in a class, nested ones too, and waits for its asynchronous validators', async () => {
    const hub = await start();
    const bad = { code: 'ab', items: [{ price: 1 }, { price: 1.5 }] };
    expect(await failureOf(hub.publish(order, 'shipped', bad))).toMatchObject({
      issues: [
        { path: 'code', message: expect.stringContaining('longer than or equal to 3') },
        { path: 'items.1.price', message: 'price must be an integer number' },
      ],
    });
    expect(await failureOf(hub.publish(order, 'shipped', { code: 'used', items: [] }))).toMatchObject({
      issues: [{ path: 'code', message: 'the code is taken' }],
    });
    for (const data of ['a text', null, [{ code: 'abc' }]])
      expect(await failureOf(hub.publish(order, 'shipped', data as never))).toMatchObject({
        issues: [{ path: '', message: expect.stringContaining('an object is expected') }],
      });
    await hub.publish(order, 'shipped', { code: 'abc', items: [{ price: 2 }] });
    expect(dataOf(await hub.history(order))).toEqual([{ code: 'abc', items: [{ price: 2 }] }]);
  });

  it('names a class that has no decorators, and drops other fields where that is asked for', async () => {
    class Undecorated {
      code!: string;
    }
    const parcels = defineChannel('parcel', {
      events: { plain: Undecorated, price: PriceDto, strict: classSchema(PriceDto, { whitelist: true }) },
    });
    const { hub } = await hubs.start({ channels: [parcels] });
    expect(await failureOf(hub.publish(parcels(), 'plain', { code: 'a' }))).toMatchObject({
      issues: [{ path: '', message: 'its class has no decorators of class-validator' }],
    });
    const data = { price: 1, secret: 'x' };
    await hub.publish(parcels(), 'price', data);
    await hub.publish(parcels(), 'strict', data);
    await hub.publish(parcels(), 'price', Object.assign(new PriceDto(), { price: 2 }));
    expect(dataOf(await hub.history('parcel'))).toEqual([data, { price: 1 }, { price: 2 }]);
  });

  it('refuses an event that the definition does not name, and lists those that it names', async () => {
    const hub = await start();
    const error = await failureOf(hub.publish(order, 'payed' as never, {} as never));
    expect(error).toBeInstanceOf(InvalidEventError);
    expect(error.message).toContain('no event "payed": its definition "order:{id}" has paid, seen, shipped');
    expect((await failureOf(hub.publish('order:7', { data: 1 }))).message).toContain('no event "message"');
    expect((await failureOf(hub.publish('order:7', { type: 'toString', data: 1 }))).message).toContain(
      'no event "toString"',
    );
    expect((await failureOf(hub.publish('order:7', { type: 'gap', data: 1 }))).message).toContain('is taken');
    expect(await failureOf(hub.publish('order:7', 'paid' as never))).toBeInstanceOf(InvalidEventError);
    expect(await failureOf(hub.publish('news', 'article' as never))).toBeInstanceOf(InvalidEventError);
  });

  it('checks plain events to a channel whose name fits the definition', async () => {
    const hub = await start();
    expect(await failureOf(hub.publish('order:7', { type: 'paid', data: wrong }))).toMatchObject({
      code: 'INVALID_EVENT_DATA',
    });
    const results = await hub.publishMany([
      { channel: 'order:7', type: 'paid', data: wrong },
      { channel: order, type: 'paid', data: { amount: 1 } },
      { channel: 'news', data: wrong },
      { channel: order, type: 'shipped', data: { code: 'x', items: [] } },
      { channel: 'order:8', type: 'shipped', data: { code: 'abc', items: [] } },
    ]);
    expect(results.map((result) => ('error' in result ? (result.error as never)['code'] : 'ok'))).toEqual([
      'INVALID_EVENT_DATA',
      'ok',
      'ok',
      'INVALID_EVENT_DATA',
      'ok',
    ]);
    expect(dataOf(await hub.history(order))).toEqual([{ amount: 1, note: 'none' }]);
    expect(dataOf(await hub.history('order:8'))).toEqual([{ code: 'abc', items: [] }]);
  });

  it('takes an event object for a reference, too', async () => {
    const hub = await start();
    await hub.publish(order, { type: 'paid', data: { amount: 1 } }, { idempotencyKey: 'a' });
    await hub.publish(order, 'paid', { amount: 2 }, { idempotencyKey: 'a' });
    expect(dataOf(await hub.history(order))).toEqual([{ amount: 1, note: 'none' }]);
    expect(await failureOf(hub.publish(order, 'paid', { amount: 2 }, { keys: 'a' } as never))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('serializes the output of the schema', async () => {
    const hub = await start({ serialize: (data) => ({ ...(data as object), serialized: true }) });
    await hub.publish(order, 'paid', { amount: 12 });
    expect(dataOf(await hub.history(order))).toEqual([{ ...paid, serialized: true }]);
  });

  it('pipes tokens as messages, and fails the pipe with the first invalid item', async () => {
    const hub = await start();
    await hub.pipe(tokens({ id: 1 }), ['one', { type: 'message', data: 'two' }, { type: 'usage', data: 2 }]);
    const items: PipeItem[] = ['one', { type: 'usage', data: 'many' }, 'three'];
    const error = await failureOf(hub.pipe('answer:2', items));
    expect(error).toMatchObject({ code: 'INVALID_EVENT_DATA' });
    const slowItems: PipeItem[] = [
      { type: 'slow', data: 20 },
      { type: 'quick', data: 1 },
      { type: 'slow', data: -1 },
      { type: 'quick', data: 2 },
    ];
    expect(await failureOf(hub.pipe('job:1', slowItems))).toMatchObject({ code: 'INVALID_EVENT_DATA' });
    const typesIn = async (channel: string) =>
      (await hub.history(channel)).events.map(({ type, data }) => [type, data]);
    const end = (channel: string) => ['end', { channel }];
    const failed = (channel: string) => ['error', { channel, code: 'STREAM_FAILED' }];
    expect(await typesIn('answer:1')).toEqual([
      ['message', 'one'],
      ['message', 'two'],
      ['usage', 2],
      end('answer:1'),
    ]);
    expect(await typesIn('answer:2')).toEqual([['message', 'one'], failed('answer:2'), end('answer:2')]);
    expect(await typesIn('job:1')).toEqual([['slow', 20], ['quick', 1], failed('job:1'), end('job:1')]);
  });

  it('keeps the order of calls within a channel, also where schemas are asynchronous', async () => {
    const hub = await start();
    const job = jobs({ id: 1 });
    const sent = [
      hub.publish(job, 'slow', 40),
      hub.publish(job, 'quick', 1),
      hub.publish(job, 'slow', 10),
      hub.publish(job, 'slow', -1),
      hub.publishMany([
        { channel: job, type: 'slow', data: 5 },
        { channel: jobs({ id: 2 }), type: 'slow', data: 5 },
      ]),
      hub.publish(job, 'quick', 2),
      hub.publish('news', { data: 'first of all' }),
    ];
    const outcomes = await Promise.allSettled(sent);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect(dataOf(await hub.history(job))).toEqual([40, 1, 10, 5, 2]);
    expect(dataOf(await hub.history(jobs({ id: 2 })))).toEqual([5]);
    // Other channels do not wait for it.
    const [slowest] = (await hub.history(job)).events;
    const [other] = (await hub.history('news')).events;
    expect(other!.id < slowest!.id).toBe(true);
  });

  it('loses the order of calls without turns (negative control)', async () => {
    const hub = await start();
    const { publisher } = hub['node'];
    const run: ChannelTurns['run'] = async (_channels, ready, send) => send(await ready);
    Object.assign(publisher, { turns: { isBusy: () => false, run } });
    const job = jobs({ id: 1 });
    await Promise.all([hub.publish(job, 'slow', 40), hub.publish(job, 'quick', 1)]);
    expect(dataOf(await hub.history(job))).toEqual([1, 40]);
  });

  it('gives an asynchronous schema no longer than publishTimeout, and goes on', async () => {
    const hub = await start({ publishTimeout: 2_000 });
    const late = hub.publish(jobs({ id: 1 }), 'slow', 2_000_000_000);
    const next = hub.publish(jobs({ id: 1 }), 'quick', 1);
    const error = await failureOf(late);
    expect(error).toBeInstanceOf(InvalidEventError);
    expect(error.message).toContain('did not answer within publishTimeout (2000 ms)');
    await next;
    expect(dataOf(await hub.history('job:1'))).toEqual([1]);
  });

  it('reports a schema that throws as such, with its error as the cause', async () => {
    const cause = new Error('a bug in a transform');
    const throwing = (validate: () => never): StandardSchema => ({
      '~standard': { version: 1, vendor: 'test', validate },
    });
    const broken = defineChannel('broken', {
      events: {
        now: throwing(() => {
          throw cause;
        }),
        later: throwing((() => Promise.reject(cause)) as never),
        nothing: throwing((() => undefined) as never),
      },
    });
    const { hub } = await hubs.start({ channels: [broken] });
    for (const type of ['now', 'later'] as const) {
      const error = await failureOf(hub.publish(broken(), type, 1));
      expect(error).toBeInstanceOf(InvalidEventError);
      expect(error.message).not.toContain('a bug');
      expect(error.cause).toBe(cause);
    }
    expect(await failureOf(hub.publish(broken(), 'nothing', 1))).toMatchObject({ code: 'INVALID_EVENT' });
  });

  it('keeps nothing of a channel that is ephemeral, unless the publish says so', async () => {
    const hub = await start();
    await hub.publish(typing({ room: 1 }), 'begin', 'anna');
    await hub.publish('typing:1', { data: 'ben' });
    await hub.publish(typing({ room: 1 }), 'begin', 'cleo', { ephemeral: false });
    expect(dataOf(await hub.history('typing:1'))).toEqual(['cleo']);
  });

  it('refuses a reference of a definition that is not registered', async () => {
    const hub = await start({ channels: [] });
    const refused = [
      hub.publish(order, 'paid', { amount: 1 }),
      hub.pipe(tokens({ id: 1 }), ['one']),
      hub.cursor(order),
      hub.subscribe({ user: 'anna' }, [order]),
    ];
    for (const promise of refused) {
      const error = await failureOf(promise);
      expect(error).toBeInstanceOf(InvalidChannelError);
      expect(error.message).toMatch(/is not registered.*forRoot\(\{ channels.*forFeature/);
    }
  });
});
