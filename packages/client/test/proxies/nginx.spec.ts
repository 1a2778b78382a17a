import { jest } from '@jest/globals';
import { AppProcess, freePort, until, useRedis } from '@nestjs-sse-redis/testing';
import { TestBrowser } from '@nestjs-sse-redis/testing/browser';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'puppeteer-core';
import { NGINX, PLAIN_NGINX, Proxy } from '../../../nestjs-sse-redis/test/proxies/proxy.js';
import { loadClient } from '../fixtures/client-page.js';

jest.setTimeout(180_000);

const NODE = new URL('../../../nestjs-sse-redis/test/proxies/node.process.ts', import.meta.url);
/** ms for which no process lives. */
const AWAY = 9_000;

const redis = useRedis();

describe.each(['chromium', 'firefox'] as const)('in %s, behind a plain nginx', (name) => {
  let browser: TestBrowser;
  let proxy: Proxy;
  let publisher: AppProcess;
  let nodes: AppProcess[] = [];
  let ports: readonly [number, number];
  let published: string[];
  let settings: string;

  const start = (port: number) => AppProcess.start(NODE, { args: ['express', String(port), settings] });

  beforeAll(async () => {
    browser = await TestBrowser.start(name);
    settings = JSON.stringify({ redis: redis.url, prefix: randomUUID(), retry: 600 });
    ports = [await freePort(), await freePort()];
    publisher = await start(0);
    nodes = await Promise.all(ports.map(start));
    proxy = await Proxy.start(NGINX, ports, PLAIN_NGINX);
    published = [];
  });
  afterAll(async () => {
    await browser?.stop();
    await proxy?.stop();
    await Promise.all([publisher, ...nodes].map((node) => node?.kill()));
  });

  async function publish(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const data = { n: published.length + 1 };
      await publisher.request(data);
      published.push(JSON.stringify(data));
    }
  }

  async function openPage(): Promise<Page> {
    const page = await browser.browser.newPage();
    await page.goto(`${proxy.origin}/page`);
    await loadClient(page);
    await page.evaluate(() => {
      const url = '/streams?channels=news';
      window.recorded = new window.client.RecordedConnection({ url, backoff: { max: 2_000 } });
      window.native = new EventSource(url);
    });
    const isOpen = () =>
      page.evaluate(() => window.recorded.state.status === 'open' && window.native.readyState === 1);
    await until(isOpen, { interval: 50 });
    return page;
  }

  it('delivers each event once while all processes are away for 9 s, where an EventSource is closed (control)', async () => {
    const page = await openPage();
    const look = () =>
      page.evaluate(() => ({ data: window.recorded.data, summary: window.recorded.summary }));
    const received = () =>
      until(
        async () => {
          const { data, summary } = await look();
          return (
            data.length >= published.length || Promise.reject(new Error(`${data.length}, ${summary.join()}`))
          );
        },
        { interval: 50, timeout: 60_000, message: 'the page has all events' },
      );
    await publish(5);
    await received();
    await Promise.all(nodes.map((node) => node.kill('SIGKILL')));
    await publish(5);
    await wait(AWAY);
    nodes = await Promise.all(ports.map(start));
    await publish(5);
    await received();
    const { data, summary } = await look();
    expect(data).toEqual(published);
    expect(summary).toContain('waiting http 502');
    expect(summary.at(-1)).toBe('open');
    expect(summary.filter((word) => word.startsWith('stopped'))).toEqual([]);
    expect(await page.evaluate(() => window.native.readyState)).toBe(2);
  });
});
