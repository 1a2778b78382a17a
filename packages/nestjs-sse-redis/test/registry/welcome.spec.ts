import { SseStream, until } from '@nestjs-sse-redis/testing';
import { SseRegistry } from 'nestjs-sse-redis';
import { brokers, Hubs } from '../hub/hubs.js';

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
