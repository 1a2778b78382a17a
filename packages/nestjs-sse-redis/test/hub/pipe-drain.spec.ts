import { jest } from '@jest/globals';
import { SseStream, until } from '@nestjs-sse-redis/testing';
import { DrainingError, HubClosedError, PipeInterruptedError, type PipeItem } from 'nestjs-sse-redis';
import { EventEmitter, on } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Observable, Subject } from 'rxjs';
import { Pipes } from '../../src/publish/pipes.js';
import { brokers, failureOf, Hubs, type TestHub } from './hubs.js';

const INTERRUPTED = ['error {"channel":"a","code":"PIPE_INTERRUPTED"}', 'end {"channel":"a"}'];

/** What a page was sent, but positions. */
function sentTo({ messages }: SseStream): string[] {
  return messages
    .filter(({ type }) => type !== 'position')
    .map(({ type, data }) => (type === 'message' ? data : `${type} ${data}`));
}

function gate(): { readonly passed: Promise<void>; open(): void } {
  let open!: () => void;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

/** Gives its items, and after them one now and then: a generator returns only where it gives one. */
async function* endless(items: readonly string[], left: () => unknown): AsyncGenerator<PipeItem> {
  try {
    yield* items;
    for (;;) {
      await pause(20);
      yield 'tick';
    }
  } finally {
    await left();
  }
}

describe.each(brokers)(
  'a pipe that runs while the application closes, over the $broker broker',
  ({ broker }) => {
    const hubs = Hubs.over(broker);
    const start = (options = {}) => hubs.start({ drain: { timeout: 20_000 }, ...options });

    /** A page of another process, where there can be one. */
    async function pageElsewhere(test: TestHub, prefix: string): Promise<SseStream> {
      return broker === 'memory' ? test.client(['a']) : (await start({ prefix })).client(['a']);
    }

    it('leaves a generator, and ends the pages of all processes after what it gave and published', async () => {
      const prefix = `generator-${broker}`;
      const test = await start({ prefix });
      const pages = [await test.client(['a']), await pageElsewhere(test, prefix)];
      const source = endless(['A0', 'A1'], () => test.hub.publish('a', { data: 'from finally' }));
      const piped = failureOf(test.hub.pipe('a', source));
      await Promise.all(pages.map((page) => page.waitFor(({ data }) => data === 'A1')));
      await test.running.close();
      const failure = await piped;
      expect(failure).toBeInstanceOf(PipeInterruptedError);
      expect(failure).toMatchObject({ code: 'PIPE_INTERRUPTED', statusCode: 503 });
      for (const page of pages) {
        expect(await page.ended).toBe('end');
        expect(sentTo(page).filter((sent) => sent !== 'tick')).toEqual([
          'A0',
          'A1',
          'from finally',
          ...INTERRUPTED,
        ]);
      }
    });

    it('unsubscribes from an Observable, and publishes all that it emitted before', async () => {
      const test = await start();
      const page = await test.client(['a']);
      let tornDown = false;
      const items = Array.from({ length: 500 }, (_, i) => `item ${i}`);
      const source = new Observable<string>((subscriber) => {
        for (const item of items) subscriber.next(item);
        return () => (tornDown = true);
      });
      const piped = failureOf(test.hub.pipe('a', source));
      await test.running.close();
      expect(tornDown).toBe(true);
      expect(await piped).toBeInstanceOf(PipeInterruptedError);
      expect(await page.ended).toBe('end');
      expect(sentTo(page)).toEqual([...items, ...INTERRUPTED]);
    });

    it('leaves at once an iterator that waits for its next item', async () => {
      const test = await start();
      const page = await test.client(['a']);
      const emitter = new EventEmitter();
      const events = on(emitter, 'item');
      const source = {
        [Symbol.asyncIterator]: () => ({
          next: () =>
            events
              .next()
              .then(({ value }) => (value ? { value: String(value), done: false } : { value, done: true })),
          return: () => events.return!(),
        }),
      } as AsyncIterable<string>;
      const piped = failureOf(test.hub.pipe('a', source));
      emitter.emit('item', 'first');
      await page.waitFor(({ data }) => data === 'first');
      expect(emitter.listenerCount('item')).toBe(1);
      await test.running.close();
      expect(emitter.listenerCount('item')).toBe(0);
      expect(await piped).toBeInstanceOf(PipeInterruptedError);
      expect(await page.ended).toBe('end');
      expect(sentTo(page)).toEqual(['first', ...INTERRUPTED]);
    });

    it('closes, and ends the pages, though a source never returns', async () => {
      const test = await start({ drain: { timeout: 4_000 } });
      const page = await test.client(['a']);
      let asked = false;
      const source = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise<IteratorResult<string>>(() => undefined),
          return: () => {
            asked = true;
            return new Promise<IteratorResult<string>>(() => undefined);
          },
        }),
      };
      const piped = failureOf(test.hub.pipe('a', source));
      await test.running.close();
      expect(asked).toBe(true);
      expect(await piped).toBeInstanceOf(PipeInterruptedError);
      expect(await page.ended).toBe('end');
      expect(sentTo(page)).toEqual(INTERRUPTED);
    });

    it('just ends where its source ends by itself meanwhile', async () => {
      const test = await start();
      const page = await test.client(['a']);
      const last = gate();
      async function* answer(): AsyncGenerator<string> {
        yield 'A0';
        await last.passed;
      }
      const piped = test.hub.pipe('a', answer());
      await page.waitFor(({ data }) => data === 'A0');
      const closing = test.running.close();
      await until(() => test.hub.stats().drain.active);
      last.open();
      await piped;
      await closing;
      expect(await page.ended).toBe('end');
      expect(sentTo(page)).toEqual(['A0', 'end {"channel":"a"}']);
    });

    it('is interrupted where its source ends meanwhile, but an item was no longer taken', async () => {
      const test = await start();
      const page = await test.client(['a']);
      const late = gate();
      async function* answer(): AsyncGenerator<string> {
        yield 'A0';
        await late.passed;
        yield 'too late';
      }
      const piped = failureOf(test.hub.pipe('a', answer()));
      await page.waitFor(({ data }) => data === 'A0');
      const closing = test.running.close();
      await until(() => test.hub.stats().drain.active);
      late.open();
      expect(await piped).toBeInstanceOf(PipeInterruptedError);
      await closing;
      expect(await page.ended).toBe('end');
      expect(sentTo(page)).toEqual(['A0', ...INTERRUPTED]);
    });

    it('is refused, with the source untouched, where it begins during the drain', async () => {
      const test = await start();
      const subject = new Subject<string>();
      let second: Promise<Error> | undefined;
      const source = endless(['A0'], () => (second = failureOf(test.hub.pipe('b', subject))));
      const piped = failureOf(test.hub.pipe('a', source));
      await until(async () => (await test.dataIn('a')).length > 0);
      await test.running.close();
      expect(await piped).toBeInstanceOf(PipeInterruptedError);
      expect(await second).toBeInstanceOf(DrainingError);
      expect(subject.observed).toBe(false);
      expect(await failureOf(test.hub.pipe('b', subject))).toBeInstanceOf(HubClosedError);
    });

    it('ends each of many channels', async () => {
      const test = await start();
      const channels = Array.from({ length: 50 }, (_, i) => `a${i}`);
      const page = await test.client(channels);
      const subjects = channels.map(() => new Subject<string>());
      const piped = channels.map((channel, i) => failureOf(test.hub.pipe(channel, subjects[i]!)));
      subjects.forEach((subject, i) => subject.next(`item ${i}`));
      await test.running.close();
      expect(await page.ended).toBe('end');
      for (const failure of await Promise.all(piped)) expect(failure).toBeInstanceOf(PipeInterruptedError);
      expect(sentTo(page).filter((sent) => sent.startsWith('end '))).toHaveLength(50);
    });

    it('negative control: leaves its page without a word where pipes are no part of the drain', async () => {
      const test = await start();
      const page = await test.client(['a']);
      const interrupt = jest.spyOn(Pipes.prototype, 'interrupt').mockResolvedValue([]);
      hubs.closeLater(() => interrupt.mockRestore());
      const subject = new Subject<string>();
      const piped = failureOf(test.hub.pipe('a', subject));
      subject.next('A0');
      await page.waitFor(({ data }) => data === 'A0');
      await test.running.close();
      subject.next('A1');
      expect(await piped).toBeInstanceOf(HubClosedError);
      await page.ended;
      expect(sentTo(page)).toEqual(['A0']);
    });
  },
);

describe('a pipe that runs while the application closes and Redis is away', () => {
  const hubs = Hubs.over('redis');

  it('is interrupted, and the application closes in bounded time', async () => {
    const test = await hubs.start({ drain: { timeout: 500 }, publishTimeout: 2_000 });
    const subject = new Subject<string>();
    const piped = failureOf(test.hub.pipe('a', subject));
    subject.next('A0');
    await until(async () => (await test.dataIn('a')).length === 1);
    hubs.redis.pause();
    hubs.closeLater(() => hubs.redis.resume());
    await test.running.close();
    expect(subject.observed).toBe(false);
    expect(await piped).toBeInstanceOf(PipeInterruptedError);
  });

  it('closes long before a command would be given up, with a client on it', async () => {
    const publishTimeout = 60_000;
    const test = await hubs.start({ drain: { timeout: 500 }, publishTimeout });
    await test.client(['a']);
    hubs.redis.pause();
    hubs.closeLater(() => hubs.redis.resume());
    const began = performance.now();
    await test.running.close();
    expect(performance.now() - began).toBeLessThan(publishTimeout / 2);
  });
});
