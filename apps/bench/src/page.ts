/**
 * What an event costs a page: CPU of Chromium's renderer for the client and for the browser's own `EventSource`, in pages of their own,
 * in turns. Both parse the data as JSON.
 *
 * CHROMIUM=… node apps/bench/dist/page.js [rounds]
 */
import { build } from 'esbuild';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { launch, type Page } from 'puppeteer-core';

const EVENTS = 20_000;
const DATA_BYTES = 256;
/** Events of one write, and ms between two: a page that is never behind. */
const AT_ONCE = 20;
const PAUSE = 2;

/** The pages: each sets `received`. */
const PAGES = {
  EventSource: `
    window.received = 0;
    const source = new EventSource('/events');
    source.addEventListener('price', ({ data }) => (window.received += JSON.parse(data).n > 0 ? 1 : 0));
    source.addEventListener('end', () => source.close());`,
  client: `
    import { createClient } from 'nestjs-sse-redis-client';
    window.received = 0;
    createClient({ url: '/events' })
      .channel('prices')
      .on('price', (data) => (window.received += data.n > 0 ? 1 : 0));`,
};
type PageName = keyof typeof PAGES;

async function bundle(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: process.cwd() },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]!.text;
}

/** Streams the events as the hub does to a client with `control: true`, then an end for good. */
async function stream(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const control = { connection: 'c', secret: 's', channels: ['prices'], heartbeat: 20_000 };
  response.write(`retry: 2000\nid: 1-0\nevent: position\ndata:\n\n`);
  response.write(`id: 1-0\nevent: control\ndata: ${JSON.stringify(control)}\n\n`);
  const filler = 'x'.repeat(DATA_BYTES - JSON.stringify({ n: 10_000, text: '' }).length);
  for (let n = 1; n <= EVENTS; n += AT_ONCE) {
    const frames = Array.from({ length: AT_ONCE }, (_, i) => {
      const data = JSON.stringify({ n: n + i, text: filler });
      return `id: 2-${n + i}\n: channel prices\nevent: price\ndata: ${data}\n\n`;
    });
    response.write(frames.join(''));
    await pause(PAUSE);
  }
  response.end(`id: dismissed\nevent: end\ndata: {"reason":"done"}\n\n`);
}

/** @returns µs of CPU of the page's process for an event */
async function measure(page: Page, url: string): Promise<number> {
  const session = await page.createCDPSession();
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const cpu = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'ProcessTime')!.value * 1e6;
  };
  await page.goto(url);
  const before = await cpu();
  await page.waitForFunction(`window.received >= ${EVENTS}`, { timeout: 120_000, polling: 500 });
  return ((await cpu()) - before) / EVENTS;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function main(rounds: number): Promise<void> {
  const names = Object.keys(PAGES) as PageName[];
  const scripts = new Map(
    await Promise.all(names.map(async (name) => [name as string, await bundle(PAGES[name])] as const)),
  );
  const server = createServer((request, response) => {
    const path = request.url!.slice(1);
    if (path === 'events') void stream(response);
    else if (path.endsWith('.js'))
      response.setHeader('content-type', 'text/javascript').end(scripts.get(path.slice(0, -3)));
    else
      response
        .setHeader('content-type', 'text/html')
        .end(`<!doctype html><script type="module" src="/${path}.js"></script>`);
  }).listen(0, '127.0.0.1');
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--headless=new', '--no-sandbox', '--disable-gpu'],
  });
  const costs: Record<PageName, number[]> = { EventSource: [], client: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const page = await browser.newPage();
      costs[name].push(await measure(page, `${url()}/${name}`));
      await page.close();
    }
  }
  await browser.close();
  server.close();
  const native = median(costs.EventSource);
  for (const name of names) {
    const cost = median(costs[name]);
    console.log(
      `${name}: ${cost.toFixed(1)} µs of CPU an event, ${(cost / native).toFixed(2)} × EventSource`,
    );
  }
}

await main(Number(process.argv[2] ?? 5));
