import { SseStream, until } from '@nestjs-sse-redis/testing';
import { Exclude, instanceToPlain } from 'class-transformer';
import {
  InvalidEventError,
  PayloadTooLargeError,
  SseRegistry,
  type SerializeContext,
  type SerializeFunction,
  type SseEventInput,
} from 'nestjs-sse-redis';
import { of } from 'rxjs';
import { brokers, failureOf, Hubs, type TestHub } from './hubs.js';

class Person {
  @Exclude()
  readonly passwordHash = 's3cr3t';

  constructor(readonly name: string) {}
}

/** As a team migrates from `ClassSerializerInterceptor`. */
const plain: SerializeFunction = (data) => instanceToPlain(data);

type Call = readonly [data: unknown, context: SerializeContext];

/** A `serialize` that keeps what it is called with. */
function recorder(): { calls: Call[]; serialize: SerializeFunction } {
  const calls: Call[] = [];
  return { calls, serialize: (data, context) => (calls.push([data, context]), { serialized: data }) };
}

function throwing(): never {
  throw new Error('the password is s3cr3t');
}

/** Every way in which an application sends an event, with the channel that the option learns. */
const ways: readonly {
  way: string;
  channel: string | undefined;
  send: (hub: TestHub, connection: string, event: SseEventInput) => Promise<unknown>;
}[] = [
  { way: 'publish', channel: 'news', send: ({ hub }, _, event) => hub.publish('news', event) },
  {
    way: 'publish with an idempotency key',
    channel: 'news',
    send: ({ hub }, _, event) => hub.publish('news', event, { idempotencyKey: 'k' }),
  },
  {
    way: 'an ephemeral publish',
    channel: 'news',
    send: ({ hub }, _, event) => hub.publish('news', event, { ephemeral: true }),
  },
  {
    way: 'publishMany',
    channel: 'news',
    async send({ hub }, _, event) {
      const [result] = await hub.publishMany([{ channel: 'news', ...event }]);
      if (result && 'error' in result) throw result.error;
    },
  },
  { way: 'pipe of an iterable', channel: 'news', send: ({ hub }, _, event) => hub.pipe('news', [event]) },
  {
    way: 'pipe of an Observable',
    channel: 'news',
    send: ({ hub }, _, event) => hub.pipe('news', of(event)),
  },
  { way: 'sendTo', channel: undefined, send: ({ hub }, to, event) => hub.sendTo(to, event) },
];

describe.each(brokers)('serialize, over $broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  /** A client of a hub, and the id of its connection. */
  async function connect(hub: TestHub): Promise<{ stream: SseStream; connection: string }> {
    const stream = await hub.client(['news']);
    const registry = hub.running.app.get(SseRegistry);
    const { connections } = await until(async () => {
      const page = await registry.list({ channel: 'news' });
      return page.connections.length === 1 && page;
    });
    return { stream, connection: connections[0]!.id };
  }

  describe.each(ways)('$way', ({ way, channel, send }) => {
    const isLogged = way !== 'sendTo' && way !== 'an ephemeral publish';

    /** What a client, `hub.events()` and `hub.history()` show of a person with a secret. */
    async function exposed(serialize: SerializeFunction | undefined): Promise<unknown[]> {
      const hub = await hubs.start({ ...(serialize && { serialize }) });
      const { stream, connection } = await connect(hub);
      const listener = await hub.listener('news');
      await send(hub, connection, { type: 'person', data: new Person('Ann') });
      const message = await stream.waitFor(({ type }) => type === 'person');
      if (channel === undefined) return [JSON.parse(message.data)];
      await until(() => listener.events.length > 0);
      const page = isLogged ? await hub.dataIn('news') : [];
      return [JSON.parse(message.data), listener.data[0], ...page.slice(0, 1)];
    }

    const places = channel === undefined ? 1 : isLogged ? 3 : 2;

    it('keeps excluded fields from clients, hub.events() and hub.history()', async () => {
      expect(await exposed(plain)).toEqual(Array.from({ length: places }, () => ({ name: 'Ann' })));
    });

    it('leaks excluded fields where the option is not set (negative control)', async () => {
      const leaked = { name: 'Ann', passwordHash: 's3cr3t' };
      expect(await exposed(undefined)).toEqual(Array.from({ length: places }, () => leaked));
    });

    it('calls the option once, with the data as it is and the channel', async () => {
      const { calls, serialize } = recorder();
      const hub = await hubs.start({ serialize });
      const { stream, connection } = await connect(hub);
      const data = new Person('Ann');
      await send(hub, connection, { type: 'person', data });
      const message = await stream.waitFor(({ type }) => type === 'person');
      expect(JSON.parse(message.data)).toEqual({ serialized: { name: 'Ann', passwordHash: 's3cr3t' } });
      expect(calls).toEqual([[data, { channel }]]);
      expect(calls[0]![0]).toBe(data);
    });

    it.each<[string, SerializeFunction, RegExp]>([
      ['throws', throwing, /^The serialize option threw for an event of (the channel "news"|sendTo)\.$/],
      ['returns a Promise', async (data) => await Promise.resolve(data), /must be synchronous/],
      ['returns a Promise that rejects', () => Promise.reject(new Error('x')), /must be synchronous/],
      ['returns nothing', () => undefined, /not undefined/],
      ['returns a cycle', cycle, /cycle/],
    ])('sends nothing and rejects when the option %s', async (_, serialize, message) => {
      const hub = await hubs.start({
        serialize: (data, context) => (data === 'plain' ? data : serialize(data, context)),
      });
      const { stream, connection } = await connect(hub);
      const error = await failureOf(send(hub, connection, { type: 'person', data: new Person('Ann') }));
      expect(error).toBeInstanceOf(InvalidEventError);
      expect(error).toMatchObject({ code: 'INVALID_EVENT', statusCode: 400 });
      expect(error.message).toMatch(message);
      await hub.hub.publish('news', { type: 'last', data: 'plain' });
      // A pipe that fails ends the stream: what it sent has come before.
      await stream.waitFor(({ type }) => type === 'last' || type === 'end');
      expect(stream.messages.filter(({ type }) => type === 'person')).toEqual([]);
      const { events } = await hub.hub.history('news');
      expect(events.filter(({ type }) => type === 'person')).toEqual([]);
    });
  });

  it('keeps the words of what the option threw in the cause, not in the message', async () => {
    const hub = await hubs.start({ serialize: throwing });
    const error = await failureOf(hub.hub.publish('news', { data: 1 }));
    expect(error.cause).toMatchObject({ message: 'the password is s3cr3t' });
    // Nest sends the message of a 4xx to the client.
    expect(error.message).not.toContain('s3cr3t');
  });

  it('publishes a string that the option returns as it is', async () => {
    const hub = await hubs.start({ serialize: (data) => `<b>${String(data)}</b>` });
    const { stream } = await connect(hub);
    await hub.hub.publish('news', { data: 'x' });
    expect(await stream.waitFor(1)).toMatchObject([{ data: '<b>x</b>' }]);
    expect(await hub.dataIn('news')).toEqual(['<b>x</b>']);
  });

  it('measures limits.payloadBytes on what the option returns', async () => {
    const hub = await hubs.start({
      limits: { payloadBytes: 100 },
      serialize: (data) => (typeof data === 'number' ? 'x'.repeat(data) : 'short'),
    });
    await hub.hub.publish('news', { data: 'x'.repeat(1_000) });
    expect(await failureOf(hub.hub.publish('news', { data: 101 }))).toBeInstanceOf(PayloadTooLargeError);
    expect(await hub.dataIn('news')).toEqual(['short']);
  });

  it('calls the option for each event of publishMany, and fails only those for which it throws', async () => {
    const hub = await hubs.start({ serialize: (data) => (data === 2 ? throwing() : { data }) });
    const results = await hub.hub.publishMany([1, 2, 3].map((data) => ({ channel: `c${data}`, data })));
    expect(results.map((result) => 'id' in result)).toEqual([true, false, true]);
    expect(await Promise.all(['c1', 'c2', 'c3'].map((name) => hub.dataIn(name)))).toEqual([
      [{ data: 1 }],
      [],
      [{ data: 3 }],
    ]);
  });

  it('calls the option for each item of a pipe, strings too, and not for its end', async () => {
    const { calls, serialize } = recorder();
    const hub = await hubs.start({ serialize });
    const { stream } = await connect(hub);
    await hub.hub.pipe('news', ['a', { type: 'b', data: 'b' }]);
    await stream.waitFor(({ type }) => type === 'end');
    expect(calls.map(([data]) => data)).toEqual(['a', 'b']);
    expect(await hub.dataIn('news')).toEqual([{ serialized: 'a' }, { serialized: 'b' }, { channel: 'news' }]);
  });

  it('does not call the option for events of the hub itself', async () => {
    const { calls, serialize } = recorder();
    const hub = await hubs.start({ serialize });
    const changes: string[] = [];
    const registry = hub.running.app.get(SseRegistry);
    const subscription = registry.changes.subscribe(({ type }) => changes.push(type));
    hubs.closeLater(() => subscription.unsubscribe());
    await until(async () => {
      const stream = SseStream.open(hub.url('news'), { lastEventId: '1-0' });
      await stream.waitFor(({ type }) => type === 'gap');
      await hub.hub.disconnect({ channel: 'news' });
      await stream.waitFor(({ type }) => type === 'end');
      return changes.includes('disconnected');
    });
    expect(calls).toEqual([]);
  });

  it.each([
    ['a channel', '', { data: 1 }, {}],
    ['a type', 'news', { type: 'gap', data: 1 }, {}],
    ['an idempotency key', 'news', { data: 1 }, { idempotencyKey: '' }],
  ])('does not call the option for an event with %s that is refused', async (_, channel, event, options) => {
    const { calls, serialize } = recorder();
    const hub = await hubs.start({ serialize });
    await failureOf(hub.hub.publish(channel, event, options));
    expect(calls).toEqual([]);
  });

  if (broker === 'redis') {
    it('calls the option once for an event that goes to Redis a second time', async () => {
      const { calls, serialize } = recorder();
      const hub = await hubs.start({ serialize });
      await hub.hub.publish('news', { data: 1 });
      await hubs.redis.cli('SCRIPT', 'FLUSH');
      await hub.hub.publish('news', { data: 2 });
      expect(calls.map(([data]) => data)).toEqual([1, 2]);
      expect(await hub.dataIn('news')).toEqual([{ serialized: 1 }, { serialized: 2 }]);
    });
  }
});

function cycle(): unknown {
  const value: { self?: unknown } = {};
  value.self = value;
  return value;
}
