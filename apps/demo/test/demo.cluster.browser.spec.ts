import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { findRedisBinary, hasShardedPubSub, until } from '@nestjs-sse-redis/testing';
import { TestBrowser } from '@nestjs-sse-redis/testing/browser';
import { Redis } from 'ioredis';
import { DemoPage } from './demo-page.js';
import { DemoProcess } from './demo-process.js';

const FLOOD = 500;
const WHOLE = { lost: 0, doubled: 0, disordered: 0, gaps: 0, told: 0 };
const OUTCOME =
  /^Port (\d+) has the hub's slot now: it took over from port (\d+) in [\d.]+ m?s\. Publishing through w\d stood still for at most [\d.]+ m?s, (none was|\d+) refused\.$/;

async function ask<T>(port: number, command: string, ...args: string[]): Promise<T> {
  const client = new Redis({ host: '127.0.0.1', port, lazyConnect: true });
  try {
    return (await client.call(command, ...args)) as T;
  } finally {
    client.disconnect();
  }
}

/** Whether the node itself says that it is a master and has the slot. */
async function ownsSlot(port: number): Promise<boolean> {
  const slot = await ask<number>(port, 'CLUSTER', 'KEYSLOT', '{sse-demo}');
  const own = (await ask<string>(port, 'CLUSTER', 'NODES'))
    .split('\n')
    .find((line) => line.includes('myself'))!;
  const ranges = [...own.matchAll(/ (\d+)-(\d+)/g)].map(([, first, last]) => [Number(first), Number(last)]);
  return own.includes('master') && ranges.some(([first, last]) => first! <= slot && slot <= last!);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

const areGone = async (ports: number[]) => !(await Promise.all(ports.map(isListening))).includes(true);

(hasShardedPubSub() ? describe : describe.skip)('the demo page on a Redis Cluster in Chromium', () => {
  let demo: DemoProcess;
  let chromium: TestBrowser | undefined;

  beforeAll(async () => {
    demo = await DemoProcess.start({ REDIS_SERVER: findRedisBinary(), REDIS_CLUSTER: '1' });
    chromium = await TestBrowser.start('chromium');
  });

  afterAll(async () => {
    await chromium?.stop();
    await demo?.stop();
  });

  it('fails over the master with the slot of the hub during a flood, and keeps two tabs whole', async () => {
    const { browser } = chromium!;
    const [a, b] = [
      await DemoPage.open(browser, `${demo.url}/?flood=${FLOOD}`),
      await DemoPage.open(browser, demo.url),
    ];
    const before = await a.slotOwner();
    expect(demo.clusterPorts).toHaveLength(6);
    expect(demo.clusterPorts).toContain(before);
    expect(await ownsSlot(before)).toBe(true);

    const outcome = OUTCOME.exec(await a.failOver());
    const after = Number(outcome?.[1]);
    expect(Number(outcome?.[2])).toBe(before);
    expect(after).not.toBe(before);
    expect(await ownsSlot(after)).toBe(true);
    expect(await ownsSlot(before)).toBe(false);

    for (const page of [a, b]) {
      await page.waitForVerdict('whole');
      const { counts, flood } = await page.state();
      expect(counts).toMatchObject(WHOLE);
      expect(flood.numbers).toEqual(Array.from({ length: FLOOD }, (_, i) => i + 1));
      await until(async () => (await page.slotOwner()) === after);
      // The tab that did not ask is told as well, and both say how they fared.
      await until(async () =>
        OUTCOME.test((await page.page.$eval('#failover', (element) => element.textContent)) ?? ''),
      );
      await page.page.waitForFunction(() =>
        document.querySelector('#failover-verdict')!.textContent?.startsWith('This tab: whole:'),
      );
    }
  });

  it('shows a node that has been killed as down', async () => {
    const page = await DemoPage.open(chromium!.browser, demo.url);
    const owner = await page.slotOwner();
    const masters = await page.page.$$eval('#shards li:has(.master)', (lines) =>
      lines.map((line) => Number((line as HTMLElement).dataset['port'])),
    );
    const other = masters.find((port) => port !== owner)!;
    const pid = Number(/process_id:(\d+)/.exec(await ask<string>(other, 'INFO', 'server'))![1]);
    process.kill(pid, 'SIGKILL');
    await page.page.waitForSelector(`#shards li[data-port="${other}"] .role.down`);
    expect(demo.output).toContain(`the redis-server on port ${other} ended`);
    expect(await page.slotOwner()).toBe(owner);
  });

  it('ends with all nodes and their folders', async () => {
    const { clusterPorts } = demo;
    const isUp = await Promise.all(clusterPorts.map(isListening));
    const folders = await Promise.all(
      clusterPorts
        .filter((_, i) => isUp[i])
        .map(async (port) => (await ask<string[]>(port, 'CONFIG', 'GET', 'dir'))[1]!),
    );
    expect(folders.filter(existsSync)).toHaveLength(5);
    expect(await demo.stop()).toBe(0);
    expect(await areGone(clusterPorts)).toBe(true);
    expect(folders.filter(existsSync)).toEqual([]);
  });
});

(hasShardedPubSub() ? describe : describe.skip)('the demo on a Redis Cluster', () => {
  it('refuses to start where it is given a Redis that is not its own', async () => {
    const demo = DemoProcess.launch({ REDIS_CLUSTER: '1', REDIS_URL: 'redis://127.0.0.1:1' });
    expect(await demo.exited).toBe(1);
    expect(demo.output).toContain('REDIS_CLUSTER starts a private cluster');
  });
});
