import { assertWhole, deferred, SseStream, until } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import type { SseHub } from 'nestjs-sse-redis';
import type { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { Subscription } from '../../src/broker/redis/subscription.js';
import { Hubs, type TestHub } from './hubs.js';

const hubs = Hubs.over('redis');

afterEach(() => jest.restoreAllMocks());

const subscriberOf = (hub: SseHub): Redis =>
  (hub['node'].shards.home.broker as RedisBroker)['connections'].subscriber;

/** Holds back a command of a connection, as a slow network does, and its answer. */
function hold(redis: Redis, command: 'subscribe' | 'unsubscribe') {
  const [mayGo, mayAnswer] = [deferred(), deferred()];
  const send = redis[command].bind(redis) as (...channels: string[]) => Promise<unknown>;
  const held = jest.spyOn(redis, command).mockImplementation((async (...channels: string[]) => {
    await mayGo.promise;
    const answer = await send(...channels);
    await mayAnswer.promise;
    return answer;
  }) as Redis[typeof command]);
  return {
    called: () => held.mock.calls.length > 0,
    go: () => mayGo.resolve(),
    answer: () => mayAnswer.resolve(),
  };
}

const protections = { isUnsubscribing: false, answersBefore: new Set() } as const;

/** As if there were none. */
function without(...names: (keyof typeof protections)[]): void {
  for (const name of names) {
    jest
      .spyOn(Subscription.prototype as unknown as Record<keyof typeof protections, () => unknown>, name)
      .mockReturnValue(protections[name]);
  }
}

/** A page that is loaded anew: the only client of its channel leaves, and is back before Redis has heard of it. */
describe('a channel that is left and wanted again', () => {
  let serving: TestHub;
  let publishing: TestHub;
  let witness: SseStream;
  let first: SseStream;
  let lastEventId: string;

  beforeEach(async () => {
    const prefix = randomUUID();
    [serving, publishing] = [await hubs.start({ prefix }), await hubs.start({ prefix })];
    witness = await serving.client(['witness']);
    first = await serving.client(['page']);
    lastEventId = (await publish(0)).id;
    await first.waitFor(1);
  });

  const publish = (n: number) => publishing.hub.publish('page', { data: n });

  /** Resolves when all that was announced to the serving process has reached it. */
  async function heard(): Promise<void> {
    const { id } = await publishing.hub.publish('witness', { data: null });
    await witness.waitFor((message) => message.id === id);
  }

  const isSubscribed = async (): Promise<boolean> => {
    const names = (await hubs.redis.cli('PUBSUB', 'CHANNELS', '*:c:page')) as string[];
    return names.length > 0;
  };

  async function reopen(): Promise<SseStream> {
    const stream = SseStream.open(serving.url('page'), { lastEventId });
    hubs.closeLater(() => stream.close());
    await until(() => serving.hub.stats().channels === 2);
    return stream;
  }

  /** What comes of two events, one announced to the subscription that ends, the other between that and the next. */
  async function publishAroundTheChange(): Promise<{ again: SseStream; ids: string[] }> {
    const leaving = hold(subscriberOf(serving.hub), 'unsubscribe');
    const coming = hold(subscriberOf(serving.hub), 'subscribe');
    leaving.answer();
    coming.answer();
    await first.close();
    await until(() => serving.hub.stats().channels === 1 && leaving.called());
    const again = await reopen();
    const ids = [(await publish(1)).id];
    await heard();
    leaving.go();
    await until(async () => !(await isSubscribed()));
    ids.push((await publish(2)).id);
    coming.go();
    return { again, ids };
  }

  it('comes whole, though the old subscription was still announcing', async () => {
    const { again, ids } = await publishAroundTheChange();
    await again.waitFor(2);
    ids.push((await publish(3)).id);
    await again.waitFor(3);
    assertWhole(ids, again.eventIds);
  });

  it('would lack what was published between the two, until the next event (negative control)', async () => {
    without('isUnsubscribing', 'answersBefore');
    const { again } = await publishAroundTheChange();
    await again.waitFor(1);
    await expect(again.waitFor(2, 500)).rejects.toThrow();
    await publish(3);
    await again.waitFor(3);
  });

  async function publishBeforeTheAnswer(isOpenFirst: boolean): Promise<SseStream> {
    const leaving = hold(subscriberOf(serving.hub), 'unsubscribe');
    leaving.go();
    await first.close();
    await until(async () => !(await isSubscribed()));
    const again = await reopen();
    if (isOpenFirst) await again.waitForBlock(({ id }) => id !== undefined);
    await publish(1);
    await heard();
    expect(await isSubscribed()).toBe(isOpenFirst);
    leaving.answer();
    return again;
  }

  it('is not subscribed to before Redis has said that it was left', async () => {
    const again = await publishBeforeTheAnswer(false);
    await again.waitFor(1);
    expect(again.messages.map(({ data }) => data)).toEqual(['1']);
  });

  it('would lack what the new subscription announces before that (negative control)', async () => {
    without('answersBefore');
    const again = await publishBeforeTheAnswer(true);
    await expect(again.waitFor(1, 500)).rejects.toThrow();
  });
});
