import { until, useRedis } from '@nestjs-sse-redis/testing';
import { TestBrowser } from '@nestjs-sse-redis/testing/browser';
import { openClientPage } from '../fixtures/client-page.js';
import { StreamApp } from '../fixtures/stream.app.js';

const redis = useRedis();
let app: StreamApp;

beforeAll(async () => {
  app = await StreamApp.start({ redis: redis.url });
});
afterAll(() => app.stop());

it('adds a channel in a page of Chromium, with its state before its events', async () => {
  const browser = await TestBrowser.start('chromium');
  const page = await openClientPage(browser.browser, app.url);
  const got = await page.evaluateHandle((url) => {
    const { createClient, channelOf, fetchState } = window.client;
    const received: unknown[] = [];
    const client = createClient({ url });
    const room = client.channel(channelOf('room:{id}')({ id: 1 }), {
      getState: (signal) => fetchState('/state', { signal }),
      onState: (state) => received.push(state),
    });
    room.on('said', (data) => received.push(data));
    return received;
  }, app.streamUrl('news'));
  await until(async () => (await app.registry.count({ channel: 'room:1' })) === 1);
  await app.hub.publish('room:1', { type: 'said', data: { a: 1 } });
  await until(() => got.evaluate(({ length }) => length === 2));
  expect(await got.jsonValue()).toEqual([{ total: 7 }, { a: 1 }]);
  await browser.stop();
});
