import { SseStream, until } from '@nestjs-sse-redis/testing';
import {
  InvalidChannelError,
  InvalidEventError,
  SourceFailedError,
  SseRedisError,
  type PipeItem,
} from 'nestjs-sse-redis';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { concatMap, from, Observable, of, Subject } from 'rxjs';
import { brokers, failureOf, Hubs } from './hubs.js';
import { asData, generate, items, Tap } from './pipe-sources.js';

describe.each(brokers)('hub.pipe() over the $broker broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  it.each([
    ['an array', () => items],
    ['an iterable', () => new Set(items)],
    ['a generator', () => items[Symbol.iterator]()],
    ['an async generator', () => generate(items)],
    ['an Observable', () => from(items)],
    ['an Observable that takes its time', () => from(items).pipe(concatMap((item) => nextTurn(item)))],
  ])('publishes what %s gives, then the end', async (_name, source) => {
    const test = await hubs.start();
    const client = await test.client(['a']);
    await test.hub.pipe('a', source());
    expect(await client.ended).toBe('end');
    expect(client.messages.map(({ type, data }) => [type, data])).toEqual([
      ['message', 'plain'],
      ['typed', '{"a":1}'],
      ['message', ''],
      ['message', 'null'],
      ['message', 'a\nb'],
      ['end', '{"channel":"a"}'],
    ]);
    const { events } = await test.hub.history('a');
    expect(events.map(({ data }) => data)).toEqual([...asData, { channel: 'a' }]);
    // The end is in the log when the promise resolves, and its id is the position of who was ended.
    expect(events.at(-1)!.id).toBe(client.lastEventId);
  });

  it.each([
    ['an array', []],
    ['an Observable', of()],
    ['an async generator', generate<string>([])],
  ])('ends at once with %s of nothing', async (_name, source) => {
    const test = await hubs.start();
    const client = await test.client(['a']);
    await test.hub.pipe('a', source);
    expect(await client.ended).toBe('end');
    expect(client.messages).toMatchObject([{ type: 'end', data: '{"channel":"a"}' }]);
  });

  it.each([
    ['an array', (all: string[]) => all],
    ['an async generator', (all: string[]) => generate(all)],
    [
      'an Observable',
      (all: string[]) =>
        new Observable<string>((subscriber) => {
          // In bursts, as answers of a model come.
          const burst = (start: number): void => {
            for (const item of all.slice(start, start + 50)) subscriber.next(item);
            if (start + 50 < all.length) setTimeout(burst, 1, start + 50);
            else subscriber.complete();
          };
          burst(0);
        }),
    ],
  ])('keeps the order of 5,000 items of %s', async (_name, source) => {
    const test = await hubs.start({ history: { maxLength: 10_000 } });
    const client = await test.client(['a']);
    const all = Array.from({ length: 5_000 }, (_, i) => `item ${i}`);
    await test.hub.pipe('a', source(all));
    await client.ended;
    expect(client.messages.slice(0, -1).map(({ data }) => data)).toEqual(all);
    expect(client.messages.at(-1)!.type).toBe('end');
  });

  it('publishes an item when it comes, and not when its source is done', async () => {
    const test = await hubs.start();
    const client = await test.client(['a']);
    const tap = new Tap(['first', 'second']);
    const piped = test.hub.pipe('a', tap.source());
    await until(() => tap.asked === 1);
    tap.flow();
    await client.waitFor(1);
    expect(tap.returned).toBe(false);
    await until(() => tap.asked === 2);
    tap.flow();
    await piped;
    expect((await client.waitFor(3)).map(({ data }) => data)).toEqual(['first', 'second', '{"channel":"a"}']);
  });

  it('keeps nothing of a client that comes back after the end, which is known here', async () => {
    const test = await hubs.start();
    // Stays, so that what is known of the channel does.
    await test.client(['a', 'other']);
    const client = await test.client(['a']);
    await test.hub.pipe('a', ['item']);
    await client.ended;
    const { subscribers } = test.hub['node'].shards.of('a');
    // The hub has one of its own, on another channel.
    const open = () =>
      [...subscribers['subscribers'].keys()].filter(({ feeds }) =>
        feeds.some(({ channel }) => channel === 'a'),
      );
    await until(() => open().length === 1);
    for (let i = 0; i < 5; i++) {
      const back = SseStream.open(test.url('a'), { lastEventId: client.lastEventId });
      await back.ended;
    }
    await until(() => test.hub.stats().connections === 1);
    expect(open()).toHaveLength(1);
  });

  it('gives a client that comes back in the middle everything once, and the end', async () => {
    const test = await hubs.start({ retry: 1 });
    const client = test.reconnectingClient(['a']);
    await client.opened;
    await until(() => client.lastEventId !== '');
    const count = 300;
    let gate: Promise<void> = Promise.resolve();
    async function* tokens(): AsyncGenerator<string> {
      for (let i = 0; i < count; i++) {
        await gate;
        yield `token ${i}`;
        await nextTurn();
      }
    }
    const piped = test.hub.pipe('a', tokens());
    for (const drop of [20, 100, 200]) {
      await client.waitFor(({ data }) => data === `token ${drop}`);
      await client.drop();
    }
    // And once more while nothing is said.
    let open!: () => void;
    gate = new Promise((resolve) => (open = resolve));
    await client.drop();
    open();
    await piped;
    await client.waitFor(({ type }) => type === 'end');
    const { events } = await test.hub.history('a', { limit: 1_000 });
    expect([...client.eventIds, client.ledger.at(-1)!.id]).toEqual(events.map(({ id }) => id));
    expect(client.ledger.map(({ data }) => data)).toEqual([
      ...Array.from({ length: count }, (_, i) => `token ${i}`),
      '{"channel":"a"}',
    ]);
    expect(client.connections).toBeGreaterThanOrEqual(5);
  });

  it('ends a client that was away when the stream ended, after what it missed', async () => {
    const test = await hubs.start();
    const client = await test.client(['a']);
    await client.close();
    await test.hub.pipe('a', ['missed']);
    const back = SseStream.open(test.url('a'), { lastEventId: client.lastEventId });
    expect(await back.ended).toBe('end');
    expect(back.messages.map(({ type, data }) => [type, data])).toEqual([
      ['message', 'missed'],
      ['end', '{"channel":"a"}'],
    ]);
  });

  it('ends a client that comes back after the end again at once, and not a newcomer', async () => {
    const test = await hubs.start();
    const client = await test.client(['a']);
    await test.hub.pipe('a', ['said']);
    await client.ended;
    const back = SseStream.open(test.url('a'), { lastEventId: client.lastEventId });
    expect(await back.ended).toBe('end');
    expect(back.messages).toEqual([]);
    expect(back.status).toBe(200);
    expect(back.lastEventId).toBe(client.lastEventId);
    const newcomer = await test.client(['a']);
    // With somebody on the channel, memory tells instead of the log.
    const again = SseStream.open(test.url('a'), { lastEventId: client.lastEventId });
    expect(await again.ended).toBe('end');
    await test.hub.publish('a', { data: 'a new beginning' });
    expect(await newcomer.waitFor(1)).toMatchObject([{ data: 'a new beginning' }]);
    // The channel goes on, and so does who comes back to it.
    const late = await test.client(['a'], { lastEventId: client.lastEventId });
    await late.waitFor(({ data }) => data === 'a new beginning');
    await test.hub.publish('a', { data: 'more' });
    await late.waitFor(({ data }) => data === 'more');
  });

  it('ends again, after the ids of others, who comes back with the position of a heartbeat', async () => {
    const test = await hubs.start();
    await test.hub.pipe('a', ['said']);
    await test.hub.publish('b', { data: 'elsewhere' });
    const back = SseStream.open(test.url('a'), { lastEventId: await test.hub.cursor() });
    expect(await back.ended).toBe('end');
  });

  it('ends again also who comes back with an earlier position than the one before', async () => {
    const test = await hubs.start();
    await test.hub.pipe('a', ['said']);
    // Somebody is there, so that what this process knows of the channel stays.
    await test.client(['a']);
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push((await test.hub.publish('{a}b', { data: i })).id);
    for (const lastEventId of ids.toReversed()) {
      const back = SseStream.open(test.url('a'), { lastEventId });
      expect(await back.ended).toBe('end');
    }
  });

  it('has ended for who comes back, whatever was said since to those who are there alone', async () => {
    const test = await hubs.start();
    const client = await test.client(['a']);
    await test.hub.pipe('a', ['said']);
    await client.ended;
    const newcomer = await test.client(['a']);
    await test.hub.publish('a', { type: 'typing', data: 'ann' }, { ephemeral: true });
    await newcomer.waitFor(1);
    const back = SseStream.open(test.url('a'), { lastEventId: client.lastEventId });
    expect(await back.ended).toBe('end');
    // Nor does it keep the stream of two channels from ending.
    const both = await test.client(['a', 'b']);
    await test.hub.pipe('a', []);
    await test.hub.publish('a', { data: 'bob' }, { ephemeral: true });
    await test.hub.pipe('b', []);
    expect(await both.ended).toBe('end');
  });

  it('lets the stream of a client of two channels go on until both have ended', async () => {
    const test = await hubs.start();
    const [one, both] = await Promise.all([test.client(['a']), test.client(['a', 'b'])]);
    await test.hub.pipe('a', ['in a']);
    await one.ended;
    await test.hub.publish('b', { data: 'in b' });
    await both.waitFor(3);
    expect(both.messages.map(({ data }) => data)).toEqual(['in a', '{"channel":"a"}', 'in b']);
    await test.hub.pipe('b', ['more in b']);
    expect(await both.ended).toBe('end');
    expect(both.messages.slice(3).map(({ data }) => data)).toEqual(['more in b', '{"channel":"b"}']);
    const back = SseStream.open(test.url('a', 'b'), { lastEventId: both.lastEventId });
    expect(await back.ended).toBe('end');
  });

  it('lets a client of two channels go on where the first has begun anew before the second ended', async () => {
    const test = await hubs.start();
    const client = await test.client(['a', 'b']);
    await test.hub.pipe('a', ['in a']);
    await test.hub.publish('a', { data: 'again in a' });
    await test.hub.pipe('b', ['in b']);
    await test.hub.publish('a', { data: 'still there' });
    await client.waitFor(({ data }) => data === 'still there');
  });

  it('leaves a generator in good order when an item cannot be published, and ends the clients', async () => {
    const test = await hubs.start();
    const client = await test.client(['a']);
    const tap = new Tap(['good', { data: 1n }, 'never asked for', 'nor this']);
    const piped = failureOf(test.hub.pipe('a', tap.source()));
    await until(() => tap.asked === 1);
    tap.flow();
    await client.waitFor(1);
    await until(() => tap.asked === 2);
    tap.flow();
    expect(await piped).toBeInstanceOf(InvalidEventError);
    expect(await client.ended).toBe('end');
    expect(client.messages.map(({ type, data }) => [type, data])).toEqual([
      ['message', 'good'],
      ['error', '{"channel":"a","code":"STREAM_FAILED"}'],
      ['end', '{"channel":"a"}'],
    ]);
    tap.flow();
    await until(() => tap.returned);
    expect(tap.asked).toBeLessThanOrEqual(3);
  });

  it('publishes nothing that comes after an item that cannot be published', async () => {
    const test = await hubs.start();
    // All of them travel together.
    const failure = await failureOf(
      test.hub.pipe('a', ['first', { data: 1n }, 'after the hole', 'and more']),
    );
    expect(failure).toBeInstanceOf(InvalidEventError);
    expect(await test.dataIn('a')).toEqual([
      'first',
      { channel: 'a', code: 'STREAM_FAILED' },
      { channel: 'a' },
    ]);
  });

  it.each([
    ['an item that is none', 7],
    ['an item of a reserved type', { type: 'end', data: 1 }],
    ['undefined', undefined],
  ])('ends with %s, typed', async (_name, item) => {
    const test = await hubs.start();
    const client = await test.client(['a']);
    const failure = await failureOf(test.hub.pipe('a', [item as PipeItem]));
    expect(failure).toBeInstanceOf(SseRedisError);
    await client.ended;
    expect(client.messages.map(({ type }) => type)).toEqual(['error', 'end']);
  });

  it('unsubscribes from an Observable whose item cannot be published', async () => {
    const test = await hubs.start();
    const client = await test.client(['a']);
    const subject = new Subject<PipeItem>();
    const piped = failureOf(test.hub.pipe('a', subject));
    expect(subject.observed).toBe(true);
    subject.next('good');
    await client.waitFor(1);
    subject.next({ data: 1n });
    subject.next('late');
    expect(await piped).toBeInstanceOf(InvalidEventError);
    expect(subject.observed).toBe(false);
    await client.ended;
    expect(client.messages.map(({ data }) => data)).not.toContain('late');
  });

  it('refuses a bad channel, with the source untouched', async () => {
    const { hub } = await hubs.start();
    const subject = new Subject<PipeItem>();
    const tap = new Tap(['x']);
    expect(await failureOf(hub.pipe('a\n', subject))).toBeInstanceOf(InvalidChannelError);
    expect(await failureOf(hub.pipe('', tap.source()))).toBeInstanceOf(InvalidChannelError);
    expect([subject.observed, tap.asked]).toEqual([false, 0]);
  });

  it.each([
    ['a string', 'tokens'],
    ['null', null],
    ['a promise', Promise.resolve(['x'])],
    ['a number', 5],
  ])('refuses %s in the place of a source, typed', async (_name, source) => {
    const { hub } = await hubs.start();
    const failure = await failureOf(hub.pipe('a', source as unknown as string[]));
    expect(failure).toBeInstanceOf(SseRedisError);
  });

  it('pipes two sources into one channel at once, each in its order', async () => {
    const test = await hubs.start();
    const numbers = (name: string) => Array.from({ length: 200 }, (_, i) => ({ type: name, data: i }));
    await Promise.all([
      test.hub.pipe('a', generate(numbers('x'))),
      test.hub.pipe('a', generate(numbers('y'))),
    ]);
    const { events } = await test.hub.history('a', { limit: 1_000 });
    for (const name of ['x', 'y']) {
      expect(events.filter(({ type }) => type === name).map(({ data }) => data)).toEqual(
        Array.from({ length: 200 }, (_, i) => i),
      );
    }
    expect(events.filter(({ type }) => type === 'end')).toHaveLength(2);
  });

  it('fails an Observable that is faster than what takes its items, however long it goes on', async () => {
    // All that may be published: on a busy machine the client falls behind, and is sent a gap where less is retained.
    const test = await hubs.start({ history: { maxLength: 20_000 }, publishTimeout: 60_000 });
    const client = await test.client(['a']);
    let emitted = 0;
    const torrent = new Observable<string>((subscriber) => {
      while (emitted < 100_000 && !subscriber.closed) subscriber.next(`item ${emitted++}`);
      subscriber.complete();
    });
    const failure = await failureOf(test.hub.pipe('a', torrent));
    expect(failure).toBeInstanceOf(SourceFailedError);
    expect(failure.message).toMatch(/faster than/);
    // It was told to stop instead of being listened to in vain: one that never pauses would never end.
    expect(emitted).toBeLessThan(30_000);
    await client.ended;
    const [error, end] = client.messages.slice(-2);
    expect([error!.data, end!.type]).toEqual(['{"channel":"a","code":"SOURCE_FAILED"}', 'end']);
    expect(client.messages.slice(0, -2).map(({ data }) => data)).toEqual(
      Array.from({ length: client.messages.length - 2 }, (_, i) => `item ${i}`),
    );
  });

  it('unsubscribes no client and no source late: nothing is left over', async () => {
    const test = await hubs.start();
    const client = await test.client(['a']);
    const subject = new Subject<PipeItem>();
    const piped = test.hub.pipe('a', subject);
    subject.next('x');
    subject.complete();
    await piped;
    expect(subject.observed).toBe(false);
    await client.ended;
    await until(() => {
      const { connections, channels } = test.hub.stats();
      return connections === 0 && channels === 0;
    });
  });
});
