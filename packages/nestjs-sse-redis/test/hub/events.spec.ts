import { InvalidArgumentError } from 'nestjs-sse-redis';
import { until } from '@nestjs-sse-redis/testing';
import { HubClosedError, InvalidChannelError, InvalidEventIdError } from 'nestjs-sse-redis';
import { firstValueFrom, map, take, toArray } from 'rxjs';
import { allBrokers, Hubs } from './hubs.js';

describe.each(allBrokers)('hub.events() over the $broker broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  it('gives what is published from now on, with id, channel and type', async () => {
    const test = await hubs.start();
    await test.hub.publish('a', { data: 'before' });
    const listener = await test.listener('a');
    const { id: first } = await test.hub.publish('a', { type: 'greeting', data: { to: 'you' } });
    await test.hub.publish('b', { data: 'elsewhere' });
    const { id: second } = await test.hub.publish('a', { data: 2 });
    await until(() => listener.events.length === 2);
    expect(listener.events).toEqual([
      { id: first, channel: 'a', type: 'greeting', data: { to: 'you' } },
      { id: second, channel: 'a', data: 2 },
    ]);
  });

  it.each([
    ['a string', 'text'],
    ['an empty string', ''],
    ['a string of digits', '1'],
    ['a string of JSON', '{"a":1}'],
    ['the string null', 'null'],
    ['a string with line feeds', '\na\n\nb\n'],
    ['a string that looks like fields', 'x\ndata: y\nid: 1-0\nevent: end\n: comment\nretry: 1'],
    ['a string with blanks around it', '  \t x  '],
    ['a string with a BOM, NUL and separators', '\ufeff\0\u2028\u2029\u0085'],
    ['characters beyond the BMP', '🙂 👩‍👩‍👧'],
    ['a number', 1.5e-7],
    ['zero', 0],
    ['true', true],
    ['false', false],
    ['null', null],
    ['an empty object', {}],
    ['an empty array', []],
    ['nested values', { a: [1, 'x\ny', null, { b: { c: [[]] } }], 'k\n': '\r', __proto: '"' }],
  ])('gives back %s as it was, live and from the log', async (_name, data) => {
    const test = await hubs.start();
    const listener = await test.listener('a');
    const { id } = await test.hub.publish('a', { data });
    await until(() => listener.events.length === 1);
    expect(listener.events).toEqual([{ id, channel: 'a', data }]);
    const later = test.subscribe('a', { rewind: 1 });
    await until(() => later.events.length === 1);
    expect(later.events).toEqual(listener.events);
  });

  it('gives line ends of every kind as line feeds', async () => {
    const test = await hubs.start();
    await test.hub.publish('a', { data: 'a\r\nb\rc\n\rd' });
    expect(await test.dataIn('a')).toEqual(['a\nb\nc\n\nd']);
  });

  it('begins with the last events and goes on live, without hole or duplicate', async () => {
    const test = await hubs.start();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await test.hub.publish('a', { data: i })).id);
    const listener = test.subscribe('a', { rewind: 2 });
    for (let i = 5; i < 10; i++) ids.push((await test.hub.publish('a', { data: i })).id);
    await until(() => listener.ids.includes(ids[9]!));
    // It may begin before or after some of what was published meanwhile, but never leaves one out.
    expect(listener.ids).toEqual(ids.slice(-listener.ids.length));
    expect(listener.ids.length).toBeGreaterThanOrEqual(2);
    const quiet = test.subscribe('a', { rewind: 2 });
    await until(() => quiet.events.length > 0);
    expect(quiet.ids).toEqual(ids.slice(8));
  });

  it('begins after an id and goes on live, without hole or duplicate', async () => {
    const test = await hubs.start();
    const ids: string[] = [];
    for (let i = 0; i < 600; i++) ids.push((await test.hub.publish('a', { data: i })).id);
    const listener = test.subscribe('a', { after: ids[9]!, rewind: 3 });
    for (let i = 600; i < 700; i++) ids.push((await test.hub.publish('a', { data: i })).id);
    await until(() => listener.ids.includes(ids[699]!));
    expect(listener.ids).toEqual(ids.slice(10));
  });

  it('begins after a cursor', async () => {
    const test = await hubs.start();
    await test.hub.publish('a', { data: 'before' });
    const after = await test.hub.cursor();
    await test.hub.publish('a', { data: 'after' });
    const listener = test.subscribe('a', { after });
    await until(() => listener.events.length > 0);
    expect(listener.data).toEqual(['after']);
  });

  it('tells of a gap where events were trimmed, then gives what is left', async () => {
    const test = await hubs.start({ history: { maxLength: 10 } });
    const { id: from } = await test.hub.publish('a', { data: 'first' });
    await test.hub.publishMany(Array.from({ length: 300 }, (_, i) => ({ channel: 'a', data: i })));
    const listener = test.subscribe('a', { after: from });
    await until(() => listener.data.includes(299));
    const [gap, ...rest] = listener.events;
    expect(gap).toMatchObject({ channel: 'a', type: 'gap', data: { channel: 'a', from } });
    expect(rest.map(({ data }) => data)).toEqual(
      Array.from({ length: rest.length }, (_, i) => 300 - rest.length + i),
    );
    expect(rest.length).toBeGreaterThanOrEqual(10);
    expect(rest.length).toBeLessThan(300);
  });

  it('tells of a gap at an id that is still to come, and gives what is published from now on', async () => {
    const test = await hubs.start();
    await test.hub.publish('a', { data: 'before' });
    const after = await test.futureId('a');
    const listener = await test.listener('a', { after });
    await test.hub.publish('a', { data: 'after' });
    await until(() => listener.data.includes('after'));
    expect(listener.events).toMatchObject([
      { type: 'gap', data: { channel: 'a', from: after } },
      { data: 'after' },
    ]);
  });

  it('completes with the end of the stream, as whoever comes later does not', async () => {
    const test = await hubs.start();
    const listener = await test.listener('a');
    const first = await test.hub.publish('a', { data: 'first' });
    await test.hub.pipe('a', ['piped']);
    await until(() => listener.completed);
    expect(listener.events).toMatchObject([
      { data: 'first' },
      { data: 'piped' },
      { type: 'end', data: { channel: 'a' } },
    ]);
    const replayed = test.subscribe('a', { after: first.id });
    await until(() => replayed.completed);
    expect(replayed.events.map(({ type, data }) => type ?? data)).toEqual(['piped', 'end']);
    const newcomer = await test.listener('a');
    expect(newcomer.completed).toBe(false);
    expect(test.hub.stats().channels).toBe(1);
  });

  it('hears nothing more once it was left, also from within an event', async () => {
    const test = await hubs.start();
    await test.hub.publishMany(Array.from({ length: 5 }, (_, i) => ({ channel: 'a', data: i })));
    const events = test.hub.events('a', { rewind: 5 });
    expect(
      await firstValueFrom(
        events.pipe(
          take(2),
          map(({ data }) => data),
          toArray(),
        ),
      ),
    ).toEqual([0, 1]);
    await until(() => test.hub.stats().channels === 0);
  });

  it('is a stream of its own for each subscriber', async () => {
    const test = await hubs.start();
    await test.hub.publish('a', { data: 1 });
    const events = test.hub.events('a', { rewind: 1 });
    const first = await firstValueFrom(events);
    await test.hub.publish('a', { data: 2 });
    expect([first.data, (await firstValueFrom(events)).data]).toEqual([1, 2]);
  });

  it('may be published to from within an event', async () => {
    const test = await hubs.start();
    const listener = await test.listener('pong');
    const pings = test.hub.events('ping', { rewind: 1 }).subscribe(({ data }) => {
      if (Number(data) < 5) void test.hub.publish('ping', { data: Number(data) + 1 });
      void test.hub.publish('pong', { data });
    });
    hubs.closeLater(() => pings.unsubscribe());
    await test.hub.publish('ping', { data: 0 });
    await until(() => listener.events.length === 6);
    expect(listener.data).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it.each(['', 'x', '1', '1-', '-1-0', '1-5000', '01-0', '1-0-0', ' 1-0', '98000000000000-0', 7, {}])(
    'refuses the id %j when called',
    async (after) => {
      const { hub } = await hubs.start();
      const call = () => hub.events('a', { after: after as string });
      expect(call).toThrow(InvalidEventIdError);
      expect(call).toThrow(/looks like 1767225600000-0(@\d)?, not /);
      expect(call).toThrow(expect.objectContaining({ code: 'INVALID_EVENT_ID', statusCode: 400 }) as Error);
    },
  );

  it('refuses a bad channel and a bad rewind when called', async () => {
    const { hub } = await hubs.start();
    expect(() => hub.events('a\nb')).toThrow(InvalidChannelError);
    for (const rewind of [-1, 1.5, 1_001, NaN, '2'] as number[]) {
      expect(() => hub.events('a', { rewind })).toThrow(InvalidArgumentError);
      expect(() => hub.events('a', { rewind })).toThrow(/rewind takes a whole number from 0 to 1000/);
    }
    expect(hub.stats().channels).toBe(0);
  });

  it('ends for its subscribers when the application closes', async () => {
    const test = await hubs.start();
    const listener = await test.listener('a');
    const events = test.hub.events('a');
    await test.running.close();
    await until(() => listener.completed);
    expect(listener.error).toBeUndefined();
    // One that was made before, and is subscribed to now.
    await expect(firstValueFrom(events)).rejects.toThrow(HubClosedError);
  });
});

describe('hub.events() over Redis', () => {
  const hubs = Hubs.over('redis');

  /** How many subscriptions Redis has to what is announced under the prefix, on channels that an application named. */
  async function subscriptions(prefix: string): Promise<number[]> {
    const channels = (await hubs.redis.cli('PUBSUB', 'CHANNELS', `*${prefix}*:c:[a-z]*`)) as string[];
    if (channels.length === 0) return [];
    const counts = (await hubs.redis.cli('PUBSUB', 'NUMSUB', ...channels)) as (string | number)[];
    return counts.filter((_, i) => i % 2 === 1).map(Number);
  }

  it('subscribes once in Redis for fifty, and leaves with the last', async () => {
    const test = await hubs.start({ prefix: 'fifty' });
    const listeners = Array.from({ length: 50 }, () => test.subscribe('a'));
    await Promise.all(listeners.map((listener) => test.proveThatItHears('a', listener)));
    expect(await subscriptions('fifty')).toEqual([1]);
    await test.hub.publish('a', { data: 'for all' });
    await until(() => listeners.every(({ events }) => events.length === 1));
    for (const listener of listeners.slice(1)) listener.unsubscribe();
    await test.hub.publish('a', { data: 'for one' });
    await until(() => listeners[0]!.events.length === 2);
    expect(await subscriptions('fifty')).toEqual([1]);
    listeners[0]!.unsubscribe();
    await until(async () => (await subscriptions('fifty')).length === 0);
    expect(listeners.slice(1).every(({ events }) => events.length === 1)).toBe(true);
  });

  it('leaves the channel also when it is left before Redis has answered', async () => {
    const test = await hubs.start({ prefix: 'hasty' });
    for (let i = 0; i < 20; i++) test.subscribe('a').unsubscribe();
    const staying = await test.listener('b');
    await until(async () => String(await subscriptions('hasty')) === '1');
    staying.unsubscribe();
    await until(async () => (await subscriptions('hasty')).length === 0);
    expect(test.hub.stats().channels).toBe(0);
  });

  it('is one subscription for each of two processes', async () => {
    const [one, other] = await Promise.all([
      hubs.start({ prefix: 'shared' }),
      hubs.start({ prefix: 'shared' }),
    ]);
    const listeners = await Promise.all([one.listener('a'), other.listener('a')]);
    expect(await subscriptions('shared')).toEqual([2]);
    const { id } = await one.hub.publish('a', { data: 'for both' });
    await until(() => listeners.every(({ ids }) => ids.includes(id)));
  });

  it('tells of a gap after Redis was emptied', async () => {
    const test = await hubs.start();
    const { id: from } = await test.hub.publish('a', { data: 'lost' });
    await hubs.emptyRedis(from);
    await test.hub.publish('a', { data: 'new' });
    const listener = test.subscribe('a', { after: from });
    await until(() => listener.data.includes('new'));
    expect(listener.events).toMatchObject([{ type: 'gap', data: { channel: 'a', from } }, { data: 'new' }]);
  });

  it('tells of a gap on a quiet channel after Redis was emptied', async () => {
    const test = await hubs.start();
    const { id: from } = await test.hub.publish('a', { data: 'lost' });
    await hubs.emptyRedis(from);
    const listener = test.subscribe('a', { after: from });
    await until(() => listener.events.length > 0);
    expect(listener.events).toMatchObject([{ type: 'gap', data: { channel: 'a', from } }]);
  });

  it('goes on live after Redis was emptied under it', async () => {
    const test = await hubs.start();
    const listener = await test.listener('a');
    const { id } = await test.hub.publish('a', { data: 'before' });
    await until(() => listener.data.includes('before'));
    await hubs.emptyRedis(id);
    await test.hub.publish('a', { data: 'after' });
    await until(() => listener.data.includes('after'));
    // It had everything, so it may be told of a gap or not; nothing comes twice.
    expect(listener.events.filter(({ type }) => type !== 'gap').map(({ data }) => data)).toEqual([
      'before',
      'after',
    ]);
  });

  it('goes on where it was when Redis comes back', async () => {
    const test = await hubs.start();
    const listener = await test.listener('a');
    const ids = [(await test.hub.publish('a', { data: 'before' })).id];
    await hubs.redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    ids.push((await test.hub.publish('a', { data: 'meanwhile' })).id);
    ids.push((await test.hub.publish('a', { data: 'after' })).id);
    await until(() => listener.ids.includes(ids[2]!));
    expect(listener.ids).toEqual(ids);
  });
});

describe('hub.events() when Redis is away', () => {
  const hubs = Hubs.over('redis');

  it('waits, and begins when Redis is back', async () => {
    const test = await hubs.start();
    const { id: from } = await test.hub.publish('a', { data: 'before' });
    await hubs.redis.kill();
    await until(async () => !(await test.hub.publish('a', { data: 1 }).catch(() => false)));
    const after = test.subscribe('a', { after: from });
    const now = test.subscribe('b');
    const left = test.subscribe('c');
    left.unsubscribe();
    await hubs.redis.restart();
    await until(async () => {
      await test.hub.publish('b', { data: 'again' }).catch(() => undefined);
      return now.data.includes('again');
    });
    await until(async () => {
      await test.hub.publish('a', { data: 'again' }).catch(() => undefined);
      return after.data.includes('again');
    });
    expect([after.error, now.error, left.error]).toEqual([undefined, undefined, undefined]);
    await until(() => test.hub.stats().channels === 2);
  });
});
