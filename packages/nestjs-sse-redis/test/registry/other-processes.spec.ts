import { RedisSetUp, SseStream, Stopwatch, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { redisBrokers } from '../hub/hubs.js';
import { RoomsProcess } from './rooms-process.js';

/** How long an answer may take: two seconds of waiting for it, and a busy machine. */
const BOUND = 5_000;

describe.each(redisBrokers)('a process that does not own a connection, over $broker', ({ broker }) => {
  let setUp: RedisSetUp;
  let owner: RoomsProcess;
  let other: RoomsProcess;
  let stream: SseStream;
  let id: string;

  beforeAll(async () => {
    setUp = await RedisSetUp.start(broker);
  });
  beforeEach(async () => {
    const options = {
      ...setUp.options,
      prefix: randomUUID(),
      // Three questions are asked before it has run out, on a busy machine, too.
      registry: { leaseTtl: 6_000, sweepInterval: 200 },
      // A link whose probe is late is made anew, and refuses what is asked meanwhile.
      probeInterval: 2_000,
    };
    [owner, other] = await Promise.all([
      RoomsProcess.start('express', options),
      RoomsProcess.start('fastify', options),
    ]);
    stream = SseStream.open(`${owner.app.url}/rooms?channels=news`, { headers: { 'x-user': 'anna' } });
    await stream.waitForBlock((block) => block.id !== undefined);
    id = (await other.list({ user: 'anna' }))[0]!.id;
  });
  afterEach(async () => {
    await stream?.close();
    await Promise.all([owner?.stop(), other?.stop()]);
  });
  afterAll(() => setUp?.stop());

  async function timed<T>(asking: Promise<T>): Promise<T> {
    const watch = Stopwatch.start();
    const answer = await asking;
    expect(watch.stop()).toBeLessThan(BOUND);
    return answer;
  }

  it('sends to it, puts it on channels, takes it off, and ends it', async () => {
    expect(await timed(other.sendTo(id, 'hello'))).toBe('delivered');
    expect(await timed(other.rule('subscribe', id, ['room']))).toMatchObject({ connections: 1 });
    await other.publish('room', 'room');
    await stream.waitFor(2);
    expect(await timed(other.rule('unsubscribe', id, ['news']))).toMatchObject({ connections: 1 });
    await other.publish('news', 'news');
    await other.publish('room', 'again');
    await stream.waitFor(3);
    expect(stream.messages.map(({ data }) => data)).toEqual(['hello', 'room', 'again']);
    expect(await timed(other.rule('disconnect', { connection: id }))).toMatchObject({ connections: 1 });
    expect(await stream.ended).toBe('end');
    expect(await timed(other.sendTo(id, 'hello'))).toBe('unknown');
  });

  it('is answered in bounded time when the owner was killed, and knows of nothing once it is swept', async () => {
    await owner.kill();
    // Its lease has not run out: nobody can say yet that the connection is gone.
    expect(await timed(other.sendTo(id, 'hello'))).toBe('timeout');
    const unanswered = { connections: 0, refused: [], unanswered: [owner.nodeId] };
    expect(await timed(other.rule('disconnect', { connection: id }))).toEqual(unanswered);
    expect(await timed(other.rule('subscribe', id, ['room']))).toEqual(unanswered);
    await until(async () => (await other.get(id)) === undefined);
    const unknown = { connections: 0, refused: [], unanswered: [] };
    expect(await timed(other.sendTo(id, 'hello'))).toBe('unknown');
    expect(await timed(other.rule('disconnect', { connection: id }))).toEqual(unknown);
    expect(await timed(other.rule('subscribe', id, ['room']))).toEqual(unknown);
    expect(await timed(other.rule('disconnect', { user: 'anna' }))).toEqual(unknown);
  });

  it('is answered in bounded time when the owner hangs', async () => {
    owner.app.pause();
    expect(await timed(other.sendTo(id, 'hello'))).toBe('timeout');
    expect(await timed(other.rule('disconnect', { user: 'anna' }))).toMatchObject({
      unanswered: [owner.nodeId],
    });
    owner.app.resume();
    // What was asked is done when it can be.
    expect(await stream.ended).toBe('end');
  });

  it('is told what it cannot know when Redis is away', async () => {
    await setUp.stop();
    await expect(timed(other.sendTo(id, 'hello'))).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    await expect(timed(other.count())).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' });
  });
});
