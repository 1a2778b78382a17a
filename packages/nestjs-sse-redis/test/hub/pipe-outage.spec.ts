import { until } from '@nestjs-sse-redis/testing';
import { RedisUnavailableError, SourceFailedError, type PipeItem } from 'nestjs-sse-redis';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Subject } from 'rxjs';
import { failureOf, Hubs } from './hubs.js';

describe('hub.pipe() when Redis is away', () => {
  const hubs = Hubs.over('redis');

  /** Also a test that fails leaves it going. */
  function pauseRedis(): void {
    hubs.redis.pause();
    hubs.closeLater(() => hubs.redis.resume());
  }

  it('fails an Observable that is faster than Redis, and leaves it at once', async () => {
    const test = await hubs.start({ publishTimeout: 60_000 });
    const subject = new Subject<PipeItem>();
    const piped = failureOf(test.hub.pipe('a', subject));
    pauseRedis();
    for (let i = 0; i < 20_000; i++) subject.next(`item ${i}`);
    // Not only when Redis has answered, or has not for long: what is emitted meanwhile is in vain.
    expect(subject.observed).toBe(false);
    hubs.redis.resume();
    const failure = await piped;
    expect(failure).toBeInstanceOf(SourceFailedError);
    expect((failure.cause as Error).message).toMatch(/faster than Redis/);
    const { events } = await test.hub.history('a', { limit: 1_000 });
    expect(events.slice(-2).map(({ type }) => type)).toEqual(['error', 'end']);
  });

  it('asks an iterable for no more than may wait', async () => {
    const test = await hubs.start({ publishTimeout: 2_000 });
    let asked = 0;
    let returned = false;
    async function* endless(): AsyncGenerator<string> {
      try {
        for (;;) {
          await nextTurn();
          yield `item ${asked++}`;
        }
      } finally {
        returned = true;
      }
    }
    pauseRedis();
    const piped = failureOf(test.hub.pipe('a', endless()));
    await until(() => asked > 1_000);
    let before = -1;
    await until(
      () => {
        const isStill = asked === before;
        before = asked;
        return isStill;
      },
      { interval: 50 },
    );
    expect(asked).toBeLessThan(3_000);
    hubs.redis.resume();
    // It goes on as soon as Redis does.
    await until(() => asked > before + 100);
    await test.running.close();
    await piped;
    await until(() => returned);
  });

  it('rejects with what publish says, and leaves its source', async () => {
    const test = await hubs.start({ publishTimeout: 2_000 });
    const subject = new Subject<PipeItem>();
    const piped = failureOf(test.hub.pipe('a', subject));
    subject.next('before');
    await until(async () => (await test.dataIn('a')).length === 1);
    await hubs.redis.kill();
    await until(async () => (await failureOf(test.hub.cursor())) instanceof RedisUnavailableError);
    subject.next('lost');
    expect(await piped).toBeInstanceOf(RedisUnavailableError);
    expect(subject.observed).toBe(false);
    await hubs.redis.restart();
    await until(() => test.hub.cursor());
  });
});
