import { until, useRedis } from '@nestjs-sse-redis/testing';
import { TestBrowser } from '@nestjs-sse-redis/testing/browser';
import { openClientPage } from '../fixtures/client-page.js';
import { RecordedConnection } from '../fixtures/recorded-connection.js';
import { StreamApp } from '../fixtures/stream.app.js';

const redis = useRedis();
let app: StreamApp;

beforeAll(async () => {
  app = await StreamApp.start({ redis: redis.url });
});
afterAll(() => app.stop());

it('receives events of the hub in Node', async () => {
  const recorded = new RecordedConnection({ url: app.streamUrl('news') });
  await until(() => recorded.controls.length === 1 && recorded.state.status === 'open');
  await app.hub.publish('news', { data: 'hello' });
  await until(() => recorded.events.length === 1);
  expect(recorded.data).toEqual(['hello']);
  recorded.close();
});

it.each(['chromium', 'firefox'] as const)('receives events of the hub in %s', async (name) => {
  const browser = await TestBrowser.start(name);
  const page = await openClientPage(browser.browser, app.url);
  const recorded = await page.evaluateHandle(
    (url) => new window.client.RecordedConnection({ url }),
    app.streamUrl('news'),
  );
  await until(() => recorded.evaluate(({ controls }) => controls.length === 1));
  await app.hub.publish('news', { data: 'hello' });
  await until(() => recorded.evaluate(({ events }) => events.length === 1));
  expect(await recorded.evaluate(({ data }) => data)).toEqual(['hello']);
  await browser.stop();
});
