import { until, useRedis } from '@nestjs-sse-redis/testing';
import { browserNames, TestBrowser } from '@nestjs-sse-redis/testing/browser';
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

it.each(browserNames)('receives events of the hub in %s', async (name) => {
  const browser = await TestBrowser.start(name);
  const page = await openClientPage(browser.browser, app.url);
  await page.evaluate((url) => {
    window.recorded = new window.client.RecordedConnection({ url });
  }, app.streamUrl('news'));
  await until(() => page.evaluate(() => window.recorded.controls.length === 1));
  await app.hub.publish('news', { data: 'hello' });
  await until(() => page.evaluate(() => window.recorded.events.length === 1));
  expect(await page.evaluate(() => window.recorded.data)).toEqual(['hello']);
  await browser.stop();
});
