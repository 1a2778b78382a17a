import { until } from '@nestjs-sse-redis/testing';
import type { SseEvent } from 'nestjs-sse-redis';
import { Subject, takeUntil } from 'rxjs';
import { observeLog } from '../../src/hub/observe-events.js';
import { allBrokers, Hubs, type TestHub } from './hubs.js';

const CHANNEL = 'a';
const EVENTS = 300;

/** The same numbers for the same seed, from 0 to 1 (https://en.wikipedia.org/wiki/Linear_congruential_generator). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

/** Reads a channel as the stream of an answer does: it lets go of it now and then, and goes on after the last event. */
class RestingReader {
  readonly heard: string[] = [];
  private readonly resting = new Subject<void>();
  private after: string;
  private isStopped = false;

  constructor(
    private readonly test: TestHub,
    start: string,
    private readonly random: () => number,
  ) {
    this.after = start;
  }

  begin(): void {
    if (this.isStopped) return;
    observeLog(this.test.hub.internals, CHANNEL, { after: this.after }, { isEndless: true })
      .pipe(takeUntil(this.resting))
      .subscribe((event) => this.take(event));
  }

  stop(): void {
    this.isStopped = true;
    this.resting.next();
  }

  private take({ id, type = 'message', data }: SseEvent): void {
    this.after = id;
    this.heard.push(type === 'message' ? String(data) : type);
    if (this.random() > 0.3) return;
    this.resting.next();
    if (this.random() < 0.5) this.begin();
    else setTimeout(() => this.begin(), this.random() * 20);
  }
}

describe.each(allBrokers)('a reader that goes on behind ends, over $broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  it.each([1, 2, 3])(
    'gets each event and each end once, in order, however it rests (seed %d)',
    async (seed) => {
      const test = await hubs.start();
      const { hub } = test;
      const random = createRandom(seed);
      const start = await hub.cursor([CHANNEL]);
      const readers = Array.from({ length: 5 }, () => new RestingReader(test, start, random));
      hubs.closeLater(() => readers.forEach((reader) => reader.stop()));
      for (const reader of readers) reader.begin();
      const expected: string[] = [];
      while (expected.length < EVENTS) {
        const chance = random();
        const name = String(expected.length);
        if (chance < 0.2) await hub.pipe(CHANNEL, [name, `${name}+`]);
        else if (chance < 0.3) await (await hub.run(CHANNEL, () => [name, `${name}+`])).outcome();
        else await hub.publish(CHANNEL, { data: name });
        expected.push(...(chance < 0.3 ? [name, `${name}+`, 'end'] : [name]));
        if (broker === 'redis' && random() < 0.05) await hubs.redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
      }
      await until(() => readers.every(({ heard }) => heard.length >= expected.length), { timeout: 30_000 });
      for (const { heard } of readers) expect(heard).toEqual(expected);
    },
  );
});
