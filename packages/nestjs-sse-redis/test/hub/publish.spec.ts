import { Stopwatch, TcpProxy, until } from '@nestjs-sse-redis/testing';
import { Test } from '@nestjs/testing';
import {
  HubClosedError,
  InvalidChannelError,
  InvalidEventError,
  PayloadTooLargeError,
  PublishOutcomeUnknownError,
  RedisRefusedError,
  RedisUnavailableError,
  SseHub,
  SseRedisError,
  SseRedisModule,
  type ChannelEventInput,
  type PublishResult,
  type SseEventInput,
} from 'nestjs-sse-redis';
import { brokers, failureOf, Hubs, type TestHub } from './hubs.js';

const ID = /^\d{13}-\d+$/;

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

describe.each(brokers)('publishing over the $broker broker', ({ broker }) => {
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
    const client = await test.client(['a', 'b']);
    const results = await hub.publishMany([
      { channel: 'a', data: 0 },
      { channel: 'b', data: 1, type: 'typed' },
      { channel: 'a\n', data: 'refused' },
      { channel: 'a', data: 3n },
      { channel: 'a', data: 'x'.repeat(101) },
      undefined as unknown as ChannelEventInput,
      { channel: 'a', data: 6 },
      { channel: 'b', data: 7 },
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
    await client.waitFor(({ data }) => data === 'last');
    expect(client.messages.map(({ data }) => data)).toEqual(['first', '1', 'other channel', 'last']);
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
      // What they throw at once, the others reject with.
      Promise.resolve().then(() => hub.events('a')),
    ];
    for (const failure of await Promise.all(used().map(failureOf))) {
      expect(failure).toBeInstanceOf(HubClosedError);
      expect(failure).toMatchObject({ code: 'HUB_CLOSED', statusCode: 503 });
      expect(failure.message).toMatch(/has not started.*app\.init\(\)/);
    }
    await module.init();
    await hub.publish('a', { data: 1 });
    await module.close();
    for (const failure of await Promise.all(used().map(failureOf))) {
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

describe('publishing over Redis', () => {
  const hubs = Hubs.over('redis');
  /** A probe would be one more script. */
  const quiet = { probeInterval: 600_000 };

  async function throughProxy(
    options: Parameters<Hubs['start']>[0] = {},
  ): Promise<TestHub & { proxy: TcpProxy }> {
    const proxy = await TcpProxy.start({ target: hubs.redis.port });
    hubs.closeLater(() => proxy.stop());
    const test = await hubs.start({ redis: `redis://127.0.0.1:${proxy.port}`, ...quiet, ...options });
    return Object.assign(test, { proxy });
  }

  it('sends many in one round trip, with few runs of the script', async () => {
    const { hub, proxy } = await throughProxy();
    await hub.publish('a', { data: 'loads the script' });
    await hubs.redis.cli('CONFIG', 'RESETSTAT');
    proxy.delay(100);
    let sent = '';
    let sentBeforeTheFirstReply: number | undefined;
    proxy.transform((direction, chunk) => {
      if (direction === 'toServer') sent += chunk.toString('latin1');
      else sentBeforeTheFirstReply ??= sent.match(/EVALSHA/gi)?.length ?? 0;
      return chunk;
    });
    const results = await hub.publishMany(
      Array.from({ length: 1_000 }, (_, i) => ({ channel: `c${i % 10}`, data: i })),
    );
    expect(results.every((result) => 'id' in result)).toBe(true);
    // Each run is short: Redis does nothing else meanwhile.
    expect(sentBeforeTheFirstReply).toBe(Math.ceil(1_000 / 64));
    expect(await callsOf(hubs, 'evalsha')).toBe(Math.ceil(1_000 / 64));
    // One event, one XADD and one PUBLISH: nothing is sent twice, and nothing besides.
    expect(await callsOf(hubs, 'xadd')).toBe(1_000);
    expect(await callsOf(hubs, 'publish')).toBe(1_000);
  });

  it('needs no more than the script for one event', async () => {
    const { hub } = await hubs.start(quiet);
    await hub.publish('a', { data: 'loads the script' });
    await hubs.redis.cli('CONFIG', 'RESETSTAT');
    await hub.publish('a', { data: 1 });
    expect(await callsOf(hubs, 'evalsha')).toBe(1);
    expect(await callsOf(hubs, 'eval')).toBe(0);
    expect(await callsOf(hubs, 'script|load')).toBe(0);
  });

  it('does not notice that Redis forgot its scripts', async () => {
    const test = await hubs.start(quiet);
    const { hub } = test;
    const client = await test.client(['a']);
    await hub.publish('a', { data: 0 });
    await hubs.redis.cli('SCRIPT', 'FLUSH');
    await hub.publish('a', { data: 1 });
    await hubs.redis.cli('SCRIPT', 'FLUSH');
    const many = await hub.publishMany(
      Array.from({ length: 100 }, (_, i) => ({ channel: 'a', data: i + 2 })),
    );
    expect(many.every((result) => 'id' in result)).toBe(true);
    const expected = Array.from({ length: 102 }, (_, i) => String(i));
    expect((await client.waitFor(102)).map(({ data }) => data)).toEqual(expected);
    await hubs.redis.cli('SCRIPT', 'FLUSH');
    expect(await test.dataIn('a')).toHaveLength(102);
  });

  it('refuses more than 64 MiB of publishes that Redis has not answered, and takes them when it has', async () => {
    const { hub } = await hubs.start({ ...quiet, publishTimeout: 20_000, history: { maxLength: 1 } });
    const data = 'x'.repeat(1_048_576);
    hubs.redis.pause();
    const publishing = Array.from({ length: 80 }, () =>
      hub.publish('a', { data }).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    // At once, while the others still wait.
    const refused = (await publishing.at(-1)) as Error;
    expect(refused).toBeInstanceOf(RedisUnavailableError);
    expect(refused.message).toMatch(/is behind with 6\d MiB of publishes: nothing was sent/);
    hubs.redis.resume();
    const failures = (await Promise.all(publishing)).filter((error) => error !== undefined);
    expect(failures.length).toBeGreaterThanOrEqual(80 - 65);
    expect(failures.length).toBeLessThan(20);
    await hub.publish('a', { data });
  });

  it('never sends again what may have been published: the answer was lost', async () => {
    const test = await throughProxy();
    const { hub, proxy } = test;
    await hub.publish('a', { data: 'before' });
    proxy.transform((direction, chunk, connection) => {
      if (direction === 'toServer' || !/evalsha/i.test(connection.head)) return chunk;
      connection.cut();
      return null;
    });
    const failures = await Promise.all([
      failureOf(hub.publish('a', { data: 'one' })),
      failureOf(hub.publish('a', { data: 'two' }, { idempotencyKey: 'k' })),
    ]);
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(PublishOutcomeUnknownError);
      expect(failure).toMatchObject({ code: 'PUBLISH_OUTCOME_UNKNOWN', statusCode: 503 });
      expect(failure.message).toMatch(/may have been published, or not.*idempotencyKey/);
      expect(failure.message).toContain(`127.0.0.1:${proxy.port}`);
    }
    proxy.transform();
    // Redis ran both before the answer was swallowed. The second was given a key, so it is safe to repeat.
    await until(() => hub.publish('a', { data: 'two' }, { idempotencyKey: 'k' }));
    await hub.publish('a', { data: 'after' });
    expect(await test.dataIn('a')).toEqual(['before', 'one', 'two', 'after']);
  });

  it('never sends again what may have been published: the question was lost', async () => {
    const test = await throughProxy();
    const { hub, proxy } = test;
    await hub.publish('a', { data: 'before' });
    proxy.transform((direction, chunk, connection) => {
      if (direction === 'toClient' || !/evalsha/i.test(connection.head)) return chunk;
      connection.cut();
      return null;
    });
    const results = await hub.publishMany([
      { channel: 'a', data: 'lost' },
      { channel: 'a', data: 'lost too' },
    ]);
    expect(results.map((result) => 'error' in result && result.error.constructor)).toEqual([
      PublishOutcomeUnknownError,
      PublishOutcomeUnknownError,
    ]);
    proxy.transform();
    await until(() => hub.publish('a', { data: 'after' }));
    expect(await test.dataIn('a')).toEqual(['before', 'after']);
  });

  it('says that nothing was stored only where nothing was', async () => {
    await hubs.redis.cli('ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '&*', '+@all');
    const test = await hubs.start({ redis: `redis://app:pw@127.0.0.1:${hubs.redis.port}`, ...quiet });
    await test.hub.publish('a', { data: 'before' });
    await hubs.redis.cli('ACL', 'SETUSER', 'app', 'resetchannels');
    const failure = await failureOf(test.hub.publish('a', { data: 'refused' }));
    expect(failure).toBeInstanceOf(RedisRefusedError);
    expect((failure.cause as Error).message).toMatch(/NOPERM|can't (access|publish)/);
    await hubs.redis.cli('ACL', 'SETUSER', 'app', '&*');
    await until(() => test.hub.history('a'));
    expect(await test.dataIn('a')).toEqual(['before']);
  });
});

const PUBLISH_TIMEOUT = 1_500;
/** How much longer a rejection may take on a busy machine. */
const MARGIN = 2_000;

/** Ways in which Redis is not there for a publish, and the one way in which each may be told. */
const faults = [
  {
    name: 'it was killed',
    begin: (hubs: Hubs) => hubs.redis.kill(),
    end: (hubs: Hubs) => hubs.redis.restart(),
    error: RedisUnavailableError,
    code: 'REDIS_UNAVAILABLE',
    words: /nothing was (sent|done).*reconnects by itself/,
  },
  {
    name: 'it hangs',
    begin: (hubs: Hubs) => hubs.redis.pause(),
    end: (hubs: Hubs) => hubs.redis.resume(),
    error: PublishOutcomeUnknownError,
    code: 'PUBLISH_OUTCOME_UNKNOWN',
    words: /no answer within 1500 ms.*idempotencyKey/,
  },
  {
    name: 'its clients are paused',
    begin: (hubs: Hubs) => hubs.redis.cli('CLIENT', 'PAUSE', 60_000, 'WRITE'),
    end: (hubs: Hubs) => hubs.redis.cli('CLIENT', 'UNPAUSE'),
    error: PublishOutcomeUnknownError,
    code: 'PUBLISH_OUTCOME_UNKNOWN',
    words: /no answer within 1500 ms.*idempotencyKey/,
  },
  {
    name: 'its memory is full',
    begin: (hubs: Hubs) => hubs.redis.cli('CONFIG', 'SET', 'maxmemory', 1),
    end: (hubs: Hubs) => hubs.redis.cli('CONFIG', 'SET', 'maxmemory', 0),
    error: RedisRefusedError,
    code: 'REDIS_REFUSED',
    words: /refused: OOM/,
  },
  {
    name: 'it is a replica',
    begin: (hubs: Hubs) => hubs.redis.cli('REPLICAOF', '127.0.0.1', 1),
    end: (hubs: Hubs) => hubs.redis.cli('REPLICAOF', 'NO', 'ONE'),
    error: RedisRefusedError,
    code: 'REDIS_REFUSED',
    words: /refused: READONLY/,
  },
  {
    name: 'scripts are not permitted',
    begin: (hubs: Hubs) => hubs.redis.cli('ACL', 'SETUSER', 'default', '-evalsha'),
    end: (hubs: Hubs) => hubs.redis.cli('ACL', 'SETUSER', 'default', '+evalsha'),
    error: RedisRefusedError,
    code: 'REDIS_REFUSED',
    words: /refused: NOPERM/,
  },
  {
    name: 'writing is not permitted',
    begin: (hubs: Hubs) => hubs.redis.cli('ACL', 'SETUSER', 'default', '-hset'),
    end: (hubs: Hubs) => hubs.redis.cli('ACL', 'SETUSER', 'default', '+hset'),
    error: RedisRefusedError,
    code: 'REDIS_REFUSED',
    words: /refused: .*can't run this command|refused: NOPERM/,
  },
] as const;

describe.each(faults)('publishing when Redis is away: $name', ({ begin, end, error, code, words }) => {
  const hubs = Hubs.over('redis');

  it('rejects in time with what happened, and works again afterwards', async () => {
    const test = await hubs.start({ publishTimeout: PUBLISH_TIMEOUT });
    const { hub } = test;
    const client = await test.client(['a']);
    await hub.publish('a', { data: 'before' });
    await client.waitFor(1);
    await begin(hubs);
    if (error === RedisUnavailableError) {
      // What is sent before the loss is noticed has an unknown outcome.
      await until(async () => (await failureOf(hub.publish('noticed', { data: 1 }))) instanceof error);
    }

    const watch = Stopwatch.start();
    const failures = await Promise.all([
      failureOf(hub.publish('a', { data: 'refused 1' })),
      failureOf(hub.publish('a', { data: 'refused 2' }, { ephemeral: true })),
      hub
        .publishMany([
          { channel: 'a', data: 'refused 3' },
          { channel: 'b', data: 'refused 4' },
        ])
        .then(([, second]) => (second as { error: Error }).error),
    ]);
    expect(watch.stop()).toBeLessThan(PUBLISH_TIMEOUT + MARGIN);
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(error);
      expect(failure).toMatchObject({ code, statusCode: 503, expose: false });
      expect(failure.message).toMatch(words);
      expect(failure.message).toContain(`127.0.0.1:${hubs.redis.port}`);
    }

    await end(hubs);
    const { id } = await until(async () => hub.publish('a', { data: 'after' }));
    await client.waitFor((message) => message.id === id);
    // Where the outcome is unknown, some may have come after all, but none twice.
    const received = client.messages.filter(({ type }) => type === 'message').map(({ data }) => data);
    const allowed = error === PublishOutcomeUnknownError ? ['refused 1', 'refused 2', 'refused 3'] : [];
    expect(received.filter((data) => !allowed.includes(data))).toEqual(['before', 'after']);
    expect(new Set(received).size).toBe(received.length);
    const stored = await test.dataIn('a');
    expect(stored).toContain('after');
    expect(stored.filter((data) => /refused/.test(String(data)) && !allowed.includes(String(data)))).toEqual(
      [],
    );
    expect(new Set(stored).size).toBe(stored.length);
  });

  it('rejects readings in time, too', async () => {
    const { hub } = await hubs.start({ publishTimeout: PUBLISH_TIMEOUT });
    await begin(hubs);
    const watch = Stopwatch.start();
    const outcomes = await Promise.all(
      [hub.cursor(), hub.history('a'), hub.history('a', { after: '1-0' })].map((reading) =>
        reading.then(
          () => 'answered',
          (failure: Error) => failure,
        ),
      ),
    );
    expect(watch.stop()).toBeLessThan(PUBLISH_TIMEOUT + MARGIN);
    // A Redis that only cannot be written to may be read from; which is which is not a promise.
    for (const outcome of outcomes) {
      if (outcome !== 'answered' || error === RedisUnavailableError) {
        expect([RedisUnavailableError, RedisRefusedError]).toContain((outcome as Error).constructor);
      }
    }
    await end(hubs);
    await until(() => hub.cursor());
  });
});

function idOf(result: PublishResult | undefined): string | undefined {
  return result && 'id' in result ? result.id : undefined;
}

function compareIds(a: string, b: string): number {
  const [[aMs, aSeq], [bMs, bSeq]] = [a, b].map((id) => id.split('-').map(Number)) as [number[], number[]];
  return aMs! - bMs! || aSeq! - bSeq!;
}

/** How often Redis has run a command, since its statistics were reset. */
async function callsOf({ redis }: Hubs, command: string): Promise<number> {
  const info = (await redis.cli('INFO', 'commandstats')) as string;
  const line = info.split('\r\n').find((one) => one.startsWith(`cmdstat_${command}:`));
  return Number(/calls=(\d+)/.exec(line ?? '')?.[1] ?? 0);
}
