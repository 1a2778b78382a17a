import { jest } from '@jest/globals';
import { deferred, SseStream, until } from '@nestjs-sse-redis/testing';
import { SseRegistry } from 'nestjs-sse-redis';
import { brokers, Hubs, redisBrokers, type TestHub } from '../hub/hubs.js';

const CLIENTS = 40;

describe.each(brokers)('an application that greets who has connected, over $broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  it.each([1, 3])('reaches each client with what it publishes at once, with %i shards', async (shards) => {
    const test = await hubs.start({ shards });
    const { running, hub } = test;
    let heard = 0;
    const greetings = running.app.get(SseRegistry).changes.subscribe((change) => {
      heard++;
      if (change.type !== 'connected') return;
      for (const channel of change.connection.channels) void hub.publish(channel, { data: 'welcome' });
    });
    hubs.closeLater(() => greetings.unsubscribe());
    // It has begun when it hears of somebody.
    await until(async () => {
      await (await test.client(['nobody'])).close();
      return heard > 0;
    });
    const streams = Array.from({ length: CLIENTS }, (_, i) => SseStream.open(test.url(`user:${i}`)));
    hubs.closeLater(() => Promise.all(streams.map((stream) => stream.close())));
    const hasCome = (stream: SseStream) => stream.events.some(({ data }) => data === 'welcome');
    await until(() => streams.every(hasCome));
    expect(streams.map((stream) => stream.events.length)).toEqual(streams.map(() => 1));
  });
});

describe.each(redisBrokers)(
  'a client whose process loses its link as it is registered, over $broker',
  ({ broker }) => {
    const hubs = Hubs.over(broker);

    afterEach(() => jest.restoreAllMocks());

    /** Lets nobody in who is registered. */
    function holdRegistered({ hub }: TestHub) {
      const pool = hub['node'].shards.subscribers;
      const open = pool.open.bind(pool);
      const [registered, mayBegin] = [deferred(), deferred()];
      jest.spyOn(pool, 'open').mockImplementation((channels, start, sink, opener) => {
        const ready = async (): Promise<boolean> => {
          const isReady = await opener.ready!();
          registered.resolve();
          await mayBegin.promise;
          return isReady;
        };
        return open(channels, start, sink, { ...opener, ready });
      });
      return { registered: registered.promise, letIn: () => mayBegin.resolve() };
    }

    async function breakLink({ hub }: TestHub): Promise<void> {
      await hubs.redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await until(() => !hub.stats().linkUp);
      await until(() => hub.stats().linkUp);
    }

    it.each([
      { shards: 1, query: '' },
      { shards: 3, query: '' },
      { shards: 1, query: '&from={"old":"start"}' },
      { shards: 1, query: '&rewind=1' },
    ])('gets what was published since, with $shards shards and "$query"', async ({ shards, query }) => {
      const test = await hubs.start({ shards });
      const { registered, letIn } = holdRegistered(test);
      const stream = SseStream.open(test.url('news', 'old') + query);
      hubs.closeLater(() => stream.close());
      await registered;
      await test.hub.publish('news', { data: 'welcome' });
      await breakLink(test);
      letIn();
      await test.hub.publish('news', { data: 'later' });
      await until(() => stream.events.some(({ data }) => data === 'later'));
      expect(stream.events.map(({ data }) => data)).toEqual(['welcome', 'later']);
    });
  },
);
