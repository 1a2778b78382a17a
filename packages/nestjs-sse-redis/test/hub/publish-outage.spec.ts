import { Stopwatch, until } from '@nestjs-sse-redis/testing';
import { PublishOutcomeUnknownError, RedisRefusedError, RedisUnavailableError } from 'nestjs-sse-redis';
import { failureOf, Hubs } from './hubs.js';

/** Redis answers within it on a busy machine, too. */
const PUBLISH_TIMEOUT = 2_000;
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
    words: /no answer within \d+ ms.*idempotencyKey/,
  },
  {
    name: 'its clients are paused',
    begin: (hubs: Hubs) => hubs.redis.cli('CLIENT', 'PAUSE', 60_000, 'WRITE'),
    end: (hubs: Hubs) => hubs.redis.cli('CLIENT', 'UNPAUSE'),
    error: PublishOutcomeUnknownError,
    code: 'PUBLISH_OUTCOME_UNKNOWN',
    words: /no answer within \d+ ms.*idempotencyKey/,
  },
  {
    name: 'its memory is full',
    begin: (hubs: Hubs) => hubs.redis.cli('CONFIG', 'SET', 'maxmemory', 1),
    end: (hubs: Hubs) => hubs.redis.cli('CONFIG', 'SET', 'maxmemory', 0),
    error: RedisRefusedError,
    code: 'REDIS_OUT_OF_MEMORY',
    words: /refused: OOM/,
  },
  {
    name: 'it is a replica',
    begin: (hubs: Hubs) => hubs.redis.cli('REPLICAOF', '127.0.0.1', 1),
    end: (hubs: Hubs) => hubs.redis.cli('REPLICAOF', 'NO', 'ONE'),
    error: RedisRefusedError,
    code: 'REDIS_READONLY',
    words: /refused: READONLY/,
  },
  {
    name: 'scripts are not permitted',
    begin: (hubs: Hubs) => hubs.redis.cli('ACL', 'SETUSER', 'default', '-evalsha'),
    end: (hubs: Hubs) => hubs.redis.cli('ACL', 'SETUSER', 'default', '+evalsha'),
    error: RedisRefusedError,
    code: 'REDIS_FORBIDDEN',
    words: /refused: NOPERM.*needs the rights/,
  },
  {
    name: 'writing is not permitted',
    begin: (hubs: Hubs) => hubs.redis.cli('ACL', 'SETUSER', 'default', '-hset'),
    end: (hubs: Hubs) => hubs.redis.cli('ACL', 'SETUSER', 'default', '+hset'),
    error: RedisRefusedError,
    code: 'REDIS_FORBIDDEN',
    words: /refused: .*can't run this command|refused: NOPERM|refused: .*ACL failure/,
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
    // Of those that a replica refused only the first is sent again, and may be on its way when the time is up.
    const isOnItsWay = (failure: Error) =>
      code === 'REDIS_READONLY' && failure instanceof PublishOutcomeUnknownError;
    const known = failures.filter((failure) => !isOnItsWay(failure));
    expect(known.length).toBeGreaterThanOrEqual(failures.length - 1);
    for (const failure of known) {
      expect(failure).toBeInstanceOf(error);
      expect(failure).toMatchObject({ code, statusCode: 503 });
      expect(failure.message).toMatch(words);
      expect(failure.message).toContain(`127.0.0.1:${hubs.redis.port}`);
    }

    await end(hubs);
    const { id } = await until(() => hub.publish('a', { data: 'after' }, { idempotencyKey: 'after' }));
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
