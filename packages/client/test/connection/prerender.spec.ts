import { until } from '@nestjs-sse-redis/testing';
import { TestBrowser } from '@nestjs-sse-redis/testing/browser';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'puppeteer-core';
import { bundle } from '../fixtures/client-page.js';

/** What the second page says of itself: puppeteer loses a page whose place another one takes. */
interface Report {
  readonly prerendering: boolean;
  readonly data: readonly number[];
  readonly roles: readonly string[];
}

const RULES = '{"prerender":[{"urls":["/second"],"eagerness":"immediate"}]}';

let browser: TestBrowser;
let server: Server;
let streams: IncomingMessage[];
let report: Report | undefined;
let page: Page | undefined;

beforeAll(async () => (browser = await TestBrowser.start('chromium')));
afterAll(() => browser.stop());
beforeEach(async () => {
  streams = [];
  report = undefined;
  const script = await bundle('packages/client/test/fixtures/prerendered-page.ts', 'prerendered');
  server = createServer((request, response) => {
    const path = request.url!.split('?', 1)[0];
    if (path === '/stream') {
      streams.push(request);
      const last = Number.parseInt((request.headers['last-event-id'] as string | undefined) ?? '0', 10);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`id: ${last + 1}-0\ndata: ${last + 1}\n\n`);
    } else if (path === '/report') {
      void (async () => {
        let text = '';
        for await (const chunk of request) text += String(chunk);
        report = JSON.parse(text) as Report;
        response.end();
      })();
    } else {
      response.writeHead(200, { 'content-type': 'text/html' });
      const rules = path === '/first' ? `<script type="speculationrules">${RULES}</script>` : '';
      const run = path === '/second' ? `<script>${script};prerendered.run(WAY)</script>` : '';
      response.end(`<!doctype html><title>${path}</title>${rules}${run.replace('WAY', JSON.stringify(way))}`);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  await page?.close().catch(() => undefined);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

let way: 'own' | 'shared';

/** Opens the first page, which has the browser make the second one. */
async function prerender(given: typeof way): Promise<void> {
  way = given;
  page = await browser.browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/first`);
  await until(() => report !== undefined);
  expect(report!.prerendering).toBe(true);
}

/** The browser shows it in the place of the first one. */
const show = () => page!.evaluate(() => void setTimeout(() => window.location.assign('/second'), 0));

it('opens no stream for a page that is prerendered, before somebody opens it', async () => {
  await prerender('own');
  const from = report;
  // It had the time: it has reported again.
  await until(() => report !== from);
  expect(streams).toHaveLength(0);
  await show();
  await until(() => report!.data.length > 0);
  expect(report!.data).toEqual([1]);
  expect(streams).toHaveLength(1);
});

it('waits for the SharedWorker of a page that was prerendered for longer than it may take to load', async () => {
  await prerender('shared');
  const begun = Date.now();
  await until(() => Date.now() - begun > 5_500);
  expect(streams).toHaveLength(0);
  await show();
  await until(() => report!.data.length > 0);
  expect(report!.roles).toEqual(['worker']);
});
