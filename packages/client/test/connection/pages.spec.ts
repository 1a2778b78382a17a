import { until } from '@nestjs-sse-redis/testing';
import { browserNames, TestBrowser, type PageOpener, type TestPage } from '@nestjs-sse-redis/testing/browser';
import type { ConnectionOptions } from 'nestjs-sse-redis-client';
import type { Page } from 'puppeteer-core';
import { bundle, openClientPage } from '../fixtures/client-page.js';
import { stopPages } from '../fixtures/content-processes.js';
import { RawServer, status, stream } from '../fixtures/raw-server.js';

declare global {
  interface Window {
    isRestored?: boolean;
  }
}

/** ms: no test lasts as long as such a wait. */
const NEVER = 300_000;

describe.each(browserNames)('in %s', (name) => {
  let browser: TestBrowser<PageOpener>;
  let server: RawServer;
  let page: TestPage;

  beforeAll(async () => {
    browser = await TestBrowser.start(name);
  });
  afterAll(() => browser.stop());
  beforeEach(async () => {
    server = await RawServer.start();
    page = await openClientPage(browser.browser, server.url);
  });
  afterEach(async () => {
    await page.close();
    await server.stop();
  });

  const connect = (options: Partial<ConnectionOptions> = {}) =>
    page.evaluate(
      (given) => {
        window.recorded = new window.client.RecordedConnection(given);
      },
      { url: `${server.url}/stream`, backoff: { min: 20, max: 100 }, ...options },
    );
  const look = () =>
    page.evaluate(() => {
      const { data, summary } = window.recorded;
      return { data, summary, id: window.recorded.connection.lastEventId };
    });
  const untilData = (...data: string[]) =>
    until(async () => (await look()).data.join() === data.join(), { message: data.join() });
  const countRequests = () => server.requests.length;
  /** Sends the same to each stream that is open, and goes on with the next number. */
  const first = stream('id: 1\ndata: 1\n\n');
  const second = stream('id: 2\ndata: 2\n\n');

  it('comes back on another origin after the server refused connections for a while', async () => {
    const host = await RawServer.start();
    await page.goto(`${host.url}/page`);
    await page.evaluate(
      `${await bundle('packages/client/test/fixtures/page-entry.ts', 'client')};window.client = client`,
    );
    server.answer(first);
    await connect();
    await untilData('1');
    // Negative control: what the browser itself does.
    await page.evaluate((url) => void (window.native = new EventSource(url)), `${server.url}/native`);
    const isNative = (state: number) =>
      until(() => page.evaluate((wanted) => window.native.readyState === wanted, state));
    await isNative(1);
    await server.refuse();
    await until(async () => (await look()).summary.filter((word) => word === 'waiting network').length > 2);
    await isNative(name === 'firefox' ? 2 : 0);
    server.answer(second);
    await server.listen();
    await untilData('1', '2');
    expect(server.lastEventIds).toContain('1');
    await host.stop();
  });

  it('connects at once when the network is back', async () => {
    server.answer(first);
    await connect({ backoff: { min: NEVER, max: NEVER } });
    await untilData('1');
    server.answer(second);
    server.reset();
    await until(async () => (await look()).summary.at(-1) === 'waiting network');
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await untilData('1', '2');
  });

  it('connects at once when the page is shown', async () => {
    server.answer(first);
    await connect({ backoff: { min: NEVER, max: NEVER } });
    await untilData('1');
    server.answer(second);
    server.reset();
    await until(async () => (await look()).summary.at(-1) === 'waiting network');
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await untilData('1', '2');
  });

  // WebDriver can neither hide a page nor take its network away.
  if (name !== 'webkit') {
    const puppeteerPage = () => page as Page;

    it('closes the stream of a page that is hidden for long, and comes back when it is shown', async () => {
      server.answer(first);
      await connect({ closeWhenHidden: 50 });
      await untilData('1');
      server.answer(second);
      const front = (await browser.browser.newPage()) as Page;
      await front.bringToFront();
      await until(() => page.evaluate(() => document.visibilityState === 'hidden'));
      await until(async () => (await look()).summary.at(-1) === 'waiting hidden');
      await puppeteerPage().bringToFront();
      await untilData('1', '2');
      await front.close();
    });

    it('heeds Retry-After where a page was hidden and shown meanwhile, with closeWhenHidden', async () => {
      server.answer(status(503, { 'retry-after': '200' }));
      await connect({ closeWhenHidden: 0 });
      await until(async () => (await look()).summary.at(-1) === 'waiting http 503');
      const front = (await browser.browser.newPage()) as Page;
      await front.bringToFront();
      await until(async () => (await look()).summary.at(-1) === 'waiting hidden');
      await puppeteerPage().bringToFront();
      await until(() => page.evaluate(() => document.visibilityState === 'visible'));
      await until(async () => (await look()).summary.at(-1) !== 'waiting hidden');
      expect((await look()).summary).toEqual([
        'connecting',
        'waiting http 503',
        'waiting hidden',
        'waiting http 503',
      ]);
      expect(countRequests()).toBe(1);
      await front.close();
    });

    it('makes no attempts in a loop while the browser is offline, and one when it is online', async () => {
      server.answer(first);
      await connect({ backoff: { min: 10, max: NEVER } });
      await untilData('1');
      server.answer(second);
      await puppeteerPage().setOfflineMode(true);
      server.reset();
      await until(async () => (await look()).summary.at(-1) === 'waiting network');
      // The browser says that it is offline by an event, which may come behind the loss of the stream.
      const waits = () =>
        page.evaluate(() => {
          const { state } = window.recorded;
          return state.status === 'waiting' ? state.until! - Date.now() : 0;
        });
      await until(async () => (await waits()) > NEVER / 3);
      await puppeteerPage().setOfflineMode(false);
      await untilData('1', '2');
      expect(countRequests()).toBe(2);
    });
  }

  /** Leaves the page, and comes back to it as it was. */
  async function leaveAndComeBack(): Promise<void> {
    await page.evaluate(() => {
      window.addEventListener('pageshow', ({ persisted }) => (window.isRestored = persisted));
    });
    await page.goto(`${server.url}/page?other`);
    // The answer to `goBack` waits for an event that a kept page has no more (Firefox).
    await page.evaluate(() => history.back()).catch(() => undefined);
    await until(() => page.evaluate(() => window.isRestored === true));
  }

  it('connects at once when a page comes back from the back/forward cache, and goes on from its position', async () => {
    server.answer(first);
    await connect({ backoff: { min: NEVER, max: NEVER } });
    await untilData('1');
    server.answer(second);
    server.reset();
    await until(async () => (await look()).summary.at(-1) === 'waiting network');
    await leaveAndComeBack();
    await untilData('1', '2');
    expect(server.lastEventIds).toEqual([undefined, '1']);
    const { summary } = await look();
    expect(summary).toEqual([
      'connecting',
      'open',
      'waiting network',
      'waiting hidden',
      'connecting',
      'open',
    ]);
  });

  // Firefox decides before `pagehide`, and keeps no page with a request or a lock, even where `pagehide` ends it.
  if (name === 'chromium') {
    it('keeps a page with a stream in the back/forward cache, and goes on from its position', async () => {
      server.answer(first);
      await connect();
      await untilData('1');
      server.answer(second);
      await leaveAndComeBack();
      await untilData('1', '2');
      expect(server.lastEventIds).toEqual([undefined, '1']);
    });
  }

  it('delivers each event once to a page whose process stood still for longer than the watchdog waits', async () => {
    let sent = 10;
    server.answer((request, response) => {
      stream(':\n')(request, response);
      let next = Number(request.headers['last-event-id'] ?? 0) + 1;
      const timer = setInterval(() => {
        if (next <= sent) response.write(`id: ${next}\ndata: ${next++}\n\n`);
        else response.write(':\n');
      }, 10);
      request.on('close', () => clearInterval(timer));
    });
    await connect({ heartbeatTimeout: 1_000 });
    await until(async () => (await look()).data.length === sent);
    const goOn = stopPages(browser.browser);
    try {
      const stoppedAt = Date.now();
      sent = 60;
      await until(() => Date.now() - stoppedAt > 2_500);
    } finally {
      goOn();
    }
    await until(async () => (await look()).data.length >= sent);
    expect((await look()).data).toEqual(Array.from({ length: sent }, (_, i) => String(i + 1)));
  });

  it('chooses XMLHttpRequest where a fetch gives no body (React Native), and resumes with it', async () => {
    await page.evaluate(() => {
      // As in React Native, whose fetch resolves when all has come.
      delete (Response.prototype as { body?: unknown }).body;
      window.fetch = () => Promise.reject(new Error('fetch was used'));
    });
    server.answer(first);
    await connect();
    await untilData('1');
    server.answer(second);
    server.reset();
    await untilData('1', '2');
    expect(server.lastEventIds).toEqual([undefined, '1']);
  });

  it.each(['event-source', 'xhr'] as const)('resumes with the transport %s', async (transport) => {
    server.answer(first);
    await connect({ transport });
    await untilData('1');
    server.answer(second);
    server.reset();
    await untilData('1', '2');
    const { url, headers } = server.requests[1]!;
    expect(headers['last-event-id'] ?? new URL(url!, server.url).searchParams.get('lastEventId')).toBe('1');
  });

  it('asks for a new stream before the text of an XMLHttpRequest becomes too large', async () => {
    const large = 'x'.repeat(1_000_000);
    server.answer((request, response) => {
      stream()(request, response);
      const next = Number(request.headers['last-event-id'] ?? 0) + 1;
      for (let id = next; id <= 6; id++) response.write(`id: ${id}\ndata: ${id}${large}\n\n`);
    });
    await connect({ transport: 'xhr' });
    await until(async () => (await page.evaluate(() => window.recorded.events.at(-1)?.id)) === '6');
    const ids = await page.evaluate(() => window.recorded.events.map(({ id }) => id));
    expect(ids).toEqual(['1', '2', '3', '4', '5', '6']);
    // Firefox may hand over all of it in one piece.
    await until(() => server.requests.length > 1);
  });

  it('works in a worker', async () => {
    server.answer(stream('data: from a worker\n\n'));
    const script = `${await bundle('packages/client/test/fixtures/page-entry.ts', 'client')};
      new client.RecordedConnection({ url: '${server.url}/stream' }, ({ data }) => postMessage(data));`;
    const data = await page.evaluate(
      (source) =>
        new Promise((resolve) => {
          const worker = new Worker(URL.createObjectURL(new Blob([source])));
          worker.onmessage = (event) => resolve(event.data);
        }),
      script,
    );
    expect(data).toBe('from a worker');
  });

  it('does nothing after it is closed, whatever happens to the page', async () => {
    server.answer(first);
    await connect();
    await untilData('1');
    await page.evaluate(() => window.recorded.close());
    const requests = countRequests();
    await page.evaluate(() => {
      for (const type of ['online', 'offline', 'pagehide', 'pageshow']) window.dispatchEvent(new Event(type));
      for (const type of ['visibilitychange', 'resume']) document.dispatchEvent(new Event(type));
    });
    expect((await look()).summary).toEqual(['connecting', 'open', 'stopped closed']);
    expect(countRequests()).toBe(requests);
  });
});
