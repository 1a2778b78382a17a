import { until } from '@nestjs-sse-redis/testing';
import { TestBrowser } from '@nestjs-sse-redis/testing/browser';
import type { CDPSession, Page } from 'puppeteer-core';
import type { ConnectionOptions } from 'nestjs-sse-redis-client';
import { openClientPage } from '../fixtures/client-page.js';
import { RawServer, stream } from '../fixtures/raw-server.js';

let browser: TestBrowser;
let server: RawServer;
let page: Page;
let devtools: CDPSession;

beforeAll(async () => {
  browser = await TestBrowser.start('chromium');
});
afterAll(() => browser.stop());
beforeEach(async () => {
  server = await RawServer.start(stream(':\n'));
  page = await openClientPage(browser.browser, server.url);
  devtools = await page.createCDPSession();
});
afterEach(async () => {
  await page.close();
  await server.stop();
});

const connect = (options: Partial<ConnectionOptions>) =>
  page.evaluate(
    (given) => {
      window.recorded = new window.client.RecordedConnection(given);
    },
    { url: `${server.url}/stream`, backoff: { min: 20, max: 100 }, ...options },
  );
const look = () => page.evaluate(() => ({ data: window.recorded.data, summary: window.recorded.summary }));
const untilOpen = () => until(async () => (await look()).summary.at(-1) === 'open');

it('delivers each event once to a page that was frozen for longer than the watchdog waits', async () => {
  server.answer((request, response) => {
    stream(':\n')(request, response);
    let next = Number(request.headers['last-event-id'] ?? 0) + 1;
    const timer = setInterval(() => {
      if (next <= sent) response.write(`id: ${next}\ndata: ${next++}\n\n`);
      else response.write(':\n');
    }, 10);
    request.on('close', () => clearInterval(timer));
  });
  let sent = 10;
  await connect({ heartbeatTimeout: 1_000 });
  await until(async () => (await look()).data.length === sent);
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
  const frozenAt = Date.now();
  sent = 60;
  await until(() => Date.now() - frozenAt > 2_500);
  await devtools.send('Page.setWebLifecycleState', { state: 'active' });
  await until(async () => (await look()).data.length >= sent);
  expect((await look()).data).toEqual(Array.from({ length: sent }, (_, i) => String(i + 1)));
});

it('leaves no listener behind', async () => {
  const count = async () => {
    const counts: number[] = [];
    for (const expression of ['window', 'document']) {
      const { result } = await devtools.send('Runtime.evaluate', { expression });
      const { listeners } = await devtools.send('DOMDebugger.getEventListeners', {
        objectId: result.objectId!,
      });
      counts.push(listeners.length);
    }
    return counts;
  };
  const before = await count();
  await connect({ closeWhenHidden: 1_000 });
  await untilOpen();
  expect(await count()).not.toEqual(before);
  await page.evaluate(() => window.recorded.close());
  expect(await count()).toEqual(before);
});
