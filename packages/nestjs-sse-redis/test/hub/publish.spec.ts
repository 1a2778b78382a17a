import { firstValueFrom } from 'rxjs';
import { Test } from '@nestjs/testing';
import {
  HubClosedError,
  InvalidChannelError,
  InvalidEventError,
  PayloadTooLargeError,
  SseHub,
  SseRedisError,
  SseRedisModule,
  type ChannelEventInput,
  type PublishResult,
  type SseEventInput,
} from 'nestjs-sse-redis';
import { allBrokers, failureOf, Hubs } from './hubs.js';

const ID = /^\d{13}-\d+(@\d)?$/;

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

const refused = [
  { what: 'an empty channel', channel: '', error: InvalidChannelError, words: /must not be empty/ },
  { what: 'a long channel', channel: 'x'.repeat(257), error: InvalidChannelError, words: /at most 256.*257/ },
  { what: 'a line end in the channel', channel: 'a\nb', error: InvalidChannelError, words: /control char/ },
  { what: 'NUL in the channel', channel: 'a\0b', error: InvalidChannelError, words: /control char/ },
  { what: 'half a surrogate', channel: 'a\ud800', error: InvalidChannelError, words: /half a surrogate/ },
  { what: 'a channel that is none', channel: 7, error: InvalidChannelError, words: /a string, not number/ },
  { what: 'no event', event: undefined, error: InvalidEventError, words: /an object \{ type\?, data \}/ },
  { what: 'a string as event', event: 'x', error: InvalidEventError, words: /an object \{ type\?, data \}/ },
  { what: 'no data', event: {}, error: InvalidEventError, words: /not undefined.*null or ''/ },
  { what: 'a function', event: { data: () => 1 }, error: InvalidEventError, words: /not function/ },
  { what: 'a BigInt', event: { data: 1n }, error: InvalidEventError, words: /BigInt/ },
  { what: 'a cycle', event: { data: cyclic }, error: InvalidEventError, words: /cycle/ },
  { what: 'NaN', event: { data: NaN }, error: InvalidEventError, words: /JSON cannot carry.*NaN/ },
  {
    what: 'a type in two lines',
    event: { type: 'a\nb', data: 1 },
    error: InvalidEventError,
    words: /line end/,
  },
  { what: 'a type with CR', event: { type: 'a\rb', data: 1 }, error: InvalidEventError, words: /line end/ },
  {
    what: 'a type of the hub',
    event: { type: 'gap', data: 1 },
    error: InvalidEventError,
    words: /"gap" is taken/,
  },
  { what: 'the type error', event: { type: 'error', data: 1 }, error: InvalidEventError, words: /is taken/ },
  {
    what: 'a long type',
    event: { type: 'x'.repeat(257), data: 1 },
    error: InvalidEventError,
    words: /at most 256/,
  },
  { what: 'a type that is none', event: { type: 5, data: 1 }, error: InvalidEventError, words: /not number/ },
  {
    what: 'much text',
    event: { data: 'é'.repeat(51) },
    error: PayloadTooLargeError,
    words: /102 bytes.*allows 100/,
  },
  {
    what: 'much JSON',
    event: { data: ['x'.repeat(97)] },
    error: PayloadTooLargeError,
    words: /101 bytes.*100/,
  },
  {
    what: 'an empty key',
    options: { idempotencyKey: '' },
    error: InvalidEventError,
    words: /idempotency key/,
  },
  {
    what: 'a long key',
    options: { idempotencyKey: 'k'.repeat(257) },
    error: InvalidEventError,
    words: /1 to 256 characters/,
  },
] as const;

const CODES = new Map<unknown, { code: string; statusCode: number }>([
  [InvalidChannelError, { code: 'INVALID_CHANNEL', statusCode: 400 }],
  [InvalidEventError, { code: 'INVALID_EVENT', statusCode: 400 }],
  [PayloadTooLargeError, { code: 'PAYLOAD_TOO_LARGE', statusCode: 413 }],
]);

describe.each(allBrokers)('publishing over the $broker broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  it('gives the id that clients get, each greater than the one before', async () => {
    const { hub, ...test } = await startWith();
    const client = await test.client(['a']);
    const { id: first } = await hub.publish('a', { data: 1 });
    const { id: second } = await hub.publish('a', { data: 2 });
    expect([first, second]).toEqual([expect.stringMatching(ID), expect.stringMatching(ID)]);
    expect(compareIds(first, second)).toBeLessThan(0);
    expect((await client.waitFor(2)).map(({ id }) => id)).toEqual([first, second]);
  });

  it('publishes many in order, each with a result of its own, whatever is wrong with others', async () => {
    const { hub, ...test } = await startWith({ limits: { payloadBytes: 100 } });
    const client = await test.client(['a', '{a}b']);
    const results = await hub.publishMany([
      { channel: 'a', data: 0 },
      { channel: '{a}b', data: 1, type: 'typed' },
      { channel: 'a\n', data: 'refused' },
      { channel: 'a', data: 3n },
      { channel: 'a', data: 'x'.repeat(101) },
      undefined as unknown as ChannelEventInput,
      { channel: 'a', data: 6 },
      { channel: '{a}b', data: 7 },
    ]);
    expect(results.map((result) => ('error' in result ? result.error.constructor : 'published'))).toEqual([
      'published',
      'published',
      InvalidChannelError,
      InvalidEventError,
      PayloadTooLargeError,
      InvalidChannelError,
      'published',
      'published',
    ]);
    const messages = await client.waitFor(4);
    expect(messages.map(({ id, type, data }) => [id, type, data])).toEqual([
      [idOf(results[0]), 'message', '0'],
      [idOf(results[1]), 'typed', '1'],
      [idOf(results[6]), 'message', '6'],
      [idOf(results[7]), 'message', '7'],
    ]);
    expect(await test.dataIn('a')).toEqual([0, 6]);
  });

  it('publishes none of none', async () => {
    const { hub } = await hubs.start();
    expect(await hub.publishMany([])).toEqual([]);
  });

  it('gives each of many its own options', async () => {
    const { hub, ...test } = await startWith();
    const client = await test.client(['a']);
    const results = await hub.publishMany([
      { channel: 'a', data: 'kept', idempotencyKey: 'k' },
      { channel: 'a', data: 'fleeting', ephemeral: true },
      { channel: 'a', data: 'repeated', idempotencyKey: 'k' },
      { channel: 'a', data: 'last' },
    ]);
    expect(idOf(results[2])).toBe(idOf(results[0]));
    await client.waitFor(({ data }) => data === 'last');
    expect(client.messages.map(({ data }) => data)).toEqual(['kept', 'fleeting', 'last']);
    expect(await test.dataIn('a')).toEqual(['kept', 'last']);
  });

  it('sends an ephemeral event to who is there, and to nobody later', async () => {
    const { hub, ...test } = await startWith();
    const client = await test.client(['a']);
    const from = client.lastEventId;
    const { id } = await hub.publish('a', { type: 'typing', data: 'ann' }, { ephemeral: true });
    expect(await client.waitFor(1)).toEqual([{ id, type: 'typing', data: 'ann' }]);
    await hub.publish('a', { data: 'said' });
    const late = await test.client(['a'], { lastEventId: from });
    await late.waitFor(({ data }) => data === 'said');
    expect(late.messages).toHaveLength(1);
    expect(await test.dataIn('a')).toEqual(['said']);
  });

  it('publishes once with an idempotency key, and gives the first id again', async () => {
    const { hub, ...test } = await startWith();
    const client = await test.client(['a', 'b']);
    const first = await hub.publish('a', { data: 'first' }, { idempotencyKey: 'k' });
    const again = await hub.publish('a', { data: 'again' }, { idempotencyKey: 'k' });
    expect(again).toEqual(first);
    const atOnce = await Promise.all(
      [1, 2, 3].map((n) => hub.publish('a', { data: n }, { idempotencyKey: 'at once' })),
    );
    expect(new Set(atOnce.map(({ id }) => id)).size).toBe(1);
    await hub.publish('b', { data: 'other channel' }, { idempotencyKey: 'k' });
    await hub.publish('a', { data: 'last' });
    await client.waitFor(4);
    // Over shards, the channels have no order between them.
    const received = client.messages.map(({ data }) => data);
    expect(received.filter((data) => data !== 'other channel')).toEqual(['first', '1', 'last']);
    expect(received).toContain('other channel');
    expect(await test.dataIn('a')).toEqual(['first', 1, 'last']);
  });

  it('knows no idempotency key from another, however alike', async () => {
    const { hub, ...test } = await startWith();
    await hub.publish('a', { data: 1 }, { idempotencyKey: 'b:c' });
    await hub.publish('a:b', { data: 2 }, { idempotencyKey: 'c' });
    expect([await test.dataIn('a'), await test.dataIn('a:b')]).toEqual([[1], [2]]);
  });

  it.each(refused)('refuses $what, and sends nothing', async (given) => {
    const { error, words } = given;
    const { hub, ...test } = await startWith({ limits: { payloadBytes: 100 } });
    const client = await test.client(['a']);
    const failure = await failureOf(
      hub.publish(
        ('channel' in given ? given.channel : 'a') as string,
        ('event' in given ? given.event : { data: 1 }) as SseEventInput,
        'options' in given ? given.options : {},
      ),
    );
    expect(failure).toBeInstanceOf(error);
    expect(failure).toBeInstanceOf(SseRedisError);
    expect(failure).toMatchObject({ name: error.name, ...CODES.get(error) });
    expect(failure.message).toMatch(words);
    await hub.publish('a', { data: 'good' });
    await client.waitFor(({ data }) => data === 'good');
    expect(client.messages).toHaveLength(1);
    expect(await test.dataIn('a')).toEqual(['good']);
  });

  it('takes the largest that is allowed', async () => {
    const { hub, ...test } = await startWith({ limits: { payloadBytes: 100 } });
    const channel = 'ё'.repeat(256);
    await hub.publish(channel, { type: 't'.repeat(256), data: 'é'.repeat(50) });
    await hub.publish(channel, { data: ['x'.repeat(96)] }, { idempotencyKey: 'k'.repeat(256) });
    expect(await test.dataIn(channel)).toEqual(['é'.repeat(50), ['x'.repeat(96)]]);
  });

  it('answers nothing before it has started and after it was closed', async () => {
    const module = await Test.createTestingModule({
      imports: [SseRedisModule.forRoot(broker === 'redis' ? { redis: hubs.redis.url } : {})],
    }).compile();
    const hub = module.get(SseHub);
    const used = () => [
      hub.publish('a', { data: 1 }),
      hub.publishMany([{ channel: 'a', data: 1 }]),
      hub.pipe('a', ['x']),
      hub.history('a'),
      hub.cursor(),
    ];
    for (const failure of await Promise.all(used().map(failureOf))) {
      expect(failure).toBeInstanceOf(HubClosedError);
      expect(failure).toMatchObject({ code: 'HUB_CLOSED', statusCode: 503 });
      expect(failure.message).toMatch(/has not started.*app\.init\(\)/);
    }
    await module.init();
    await hub.publish('a', { data: 1 });
    await module.close();
    for (const failure of await Promise.all([...used(), firstValueFrom(hub.events('a'))].map(failureOf))) {
      expect(failure).toBeInstanceOf(HubClosedError);
      expect(failure.message).toMatch(/is closed/);
    }
  });

  /** So that it can be taken apart without losing its methods. */
  async function startWith(options: Parameters<Hubs['start']>[0] = {}) {
    const test = await hubs.start(options);
    return {
      hub: test.hub,
      client: test.client.bind(test),
      dataIn: test.dataIn.bind(test),
    };
  }
});

function idOf(result: PublishResult | undefined): string | undefined {
  return result && 'id' in result ? result.id : undefined;
}

function compareIds(a: string, b: string): number {
  const [[aMs, aSeq], [bMs, bSeq]] = [a, b].map((id) =>
    id.split('-').map((part) => Number.parseInt(part, 10)),
  ) as [number[], number[]];
  return aMs! - bMs! || aSeq! - bSeq!;
}
