import { SseStream, until, useRedis } from '@nestjs-sse-redis/testing';
import { TestBrowser } from '@nestjs-sse-redis/testing/browser';
import { randomUUID } from 'node:crypto';
import { defineChannel } from 'nestjs-sse-redis';
import type { Page } from 'puppeteer-core';
import { StreamApp } from '../fixtures/stream.app.js';
import { BuiltPages } from './built-pages.js';
import type { QueryView } from './query-page.js';
import * as reactPage from './react-page.js';
import * as vuePage from './vue-page.js';

const redis = useRedis();
const boards = defineChannel('board:{id}', { state: true });
/** The page's icon. */
const USUAL = /^Failed to load resource/;
const FRAMEWORKS = ['react', 'vue'] as const;

let pages: BuiltPages;
beforeAll(async () => (pages = await BuiltPages.start()));
afterAll(() => pages.stop());

it('the pages of the bindings are built by Vite without a warning', () => {
  expect(pages.output).toBe('');
});

describe.each(FRAMEWORKS)('the binding of %s', (framework) => {
  let browser: TestBrowser;
  let app: StreamApp;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => (browser = await TestBrowser.start('chromium')));
  afterAll(() => browser.stop());
  beforeEach(async () => {
    app = await StreamApp.start({ redis: redis.url, prefix: randomUUID(), channels: [boards] });
    page = await browser.browser.newPage();
    complaints.length = 0;
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (!['error', 'warn'].includes(message.type()) || USUAL.test(message.text())) return;
      complaints.push(message.text());
    });
    page.on('response', (response) => {
      // 304 is the answer to who has asked before, and nobody has come or gone.
      if (response.status() >= 400 && !response.url().endsWith('/favicon.ico'))
        complaints.push(`${response.status()} ${response.url()}`);
    });
    await page.goto(`${app.url}/page`);
    await pages.load(page, framework);
    await page.evaluate(`window.unmount = binding.mount(${JSON.stringify(app.streamUrl('news'))})`);
    await page.waitForSelector('#status');
  });
  afterEach(async () => {
    await page.close();
    await app.stop();
  });

  const textOf = (id: string) => page.$eval(`#${id}`, (element) => element.textContent);
  const shows = (id: string, text: string) => until(async () => (await textOf(id)) === text);
  const channels = async () =>
    (await app.registry.list()).connections.flatMap(({ channels }) => channels).sort();
  const holds = (...expected: string[]) => until(async () => (await channels()).join() === expected.join());

  it('holds one stream, with the channels of the component, and shows its state and events', async () => {
    await shows('status', 'open');
    await holds('answer', 'board:1', 'news', 'order:1');
    expect((await app.registry.list()).connections).toHaveLength(1);
    for (const data of ['a', 'b']) await app.hub.publish('order:1', { type: 'paid', data });
    await shows('paid', '1 a,1 b');
    expect(complaints).toEqual([]);
  });

  it('changes the channel with the reference, and calls the last functions', async () => {
    await holds('answer', 'board:1', 'news', 'order:1');
    await app.hub.publish('order:1', { type: 'paid', data: 'a' });
    await shows('paid', '1 a');
    await page.click('#next');
    await holds('answer', 'board:2', 'news', 'order:2');
    await app.hub.publish('order:1', { type: 'paid', data: 'lost' });
    await app.hub.publish('order:2', { type: 'paid', data: 'c' });
    await shows('paid', '1 a,2 c');
    expect(complaints).toEqual([]);
  });

  it('shows who is on a channel, of that of now, and follows who comes and goes', async () => {
    await shows('presence', '1: 1');
    const other = SseStream.open(app.streamUrl('order:1'));
    await shows('presence', '1: 2');
    await other.close();
    await shows('presence', '1: 1');
    await page.click('#next');
    await shows('presence', '2: 1');
    expect(complaints).toEqual([]);
  });

  it('gathers the text of a run, and says how it ended', async () => {
    await holds('answer', 'board:1', 'news', 'order:1');
    const run = await app.hub.run('answer', () => ['Hel', 'lo']);
    await shows('run', 'done: Hello');
    expect(await run.outcome()).toMatchObject({ state: 'done' });
    await app.hub.run('answer', () => ['Again']);
    await shows('run', 'done: Again');
  });

  it('shows the map of a state channel, and that of another one where the reference changes', async () => {
    const put = (id: string, key: string, data: string) =>
      app.hub.publish(boards({ id }), { type: 'put', data }, { key });
    await shows('map', '1: ');
    await put('1', 'a', 'x');
    await put('1', 'b', 'y');
    await shows('map', '1: a x,b y');
    await app.hub.remove(boards({ id: 1 }), 'a');
    await shows('map', '1: b y');
    await put('2', 'c', 'z');
    await page.click('#next');
    await shows('map', '2: c z');
    expect(complaints).toEqual([]);
  });

  it('closes its stream when the component is gone', async () => {
    await holds('answer', 'board:1', 'news', 'order:1');
    await page.evaluate('unmount()');
    await until(async () => (await app.registry.count()) === 0);
    expect(complaints).toEqual([]);
  });
});

describe('the bridge to TanStack Query', () => {
  let browser: TestBrowser;
  let app: StreamApp;
  let page: Page;
  const EVENTS = 200;

  beforeAll(async () => {
    browser = await TestBrowser.start('chromium');
    app = await StreamApp.start({ redis: redis.url, prefix: randomUUID() });
    page = await browser.browser.newPage();
    await page.goto(`${app.url}/page`);
    await pages.load(page, 'query');
    await page.evaluate(`window.view = binding.mount(${JSON.stringify(app.streamUrl('news'))})`);
    await until(async () => (await app.registry.count({ channel: 'order:1' })) === 1);
  });
  afterAll(async () => {
    await browser.stop();
    await app.stop();
  });

  const view = () => page.evaluate('view.read()') as Promise<QueryView>;

  it('changes a query by each event, in order, and renders once a frame', async () => {
    await app.hub.publishMany(
      Array.from({ length: EVENTS }, (_, i) => ({ channel: 'order:1', type: 'paid', data: i })),
    );
    await until(async () => (await view()).paid.length === EVENTS);
    const { paid, renderings, frames } = await view();
    expect(paid).toEqual(Array.from({ length: EVENTS }, (_, i) => i));
    expect(renderings).toBeLessThanOrEqual(frames);
    expect(renderings).toBeLessThan(EVENTS / 2);
  });

  it('loads a query anew once, however many events of a frame ask for it', async () => {
    const { loads } = await view();
    await app.hub.publishMany(
      Array.from({ length: EVENTS }, () => ({ channel: 'order:1', type: 'shipped', data: 1 })),
    );
    await until(async () => (await view()).shipped === EVENTS);
    await until(async () => (await view()).loads > loads);
    expect((await view()).loads - loads).toBeLessThan(EVENTS / 2);
  });

  it('reports what a function throws, and goes on', async () => {
    await app.hub.publish('order:1', { type: 'wrong', data: 1 });
    await app.hub.publish('order:1', { type: 'paid', data: 'last' });
    await until(async () => (await view()).paid.at(-1) === 'last');
    expect((await view()).errors).toEqual(['Error: of its own']);
  });

  it('renders at each event, without the gathering of a frame (negative control)', async () => {
    const other = await browser.browser.newPage();
    await other.goto(`${app.url}/page`);
    await pages.load(other, 'query');
    const url = JSON.stringify(app.streamUrl('news'));
    await other.evaluate(`window.view = binding.mount(${url}, 'frames')`);
    await until(async () => (await app.registry.count({ channel: 'order:1' })) === 2);
    await app.hub.publishMany(
      Array.from({ length: EVENTS }, (_, i) => ({ channel: 'order:1', type: 'paid', data: i })),
    );
    const read = () => other.evaluate('view.read()') as Promise<QueryView>;
    await until(async () => (await read()).paid.length === EVENTS);
    expect((await read()).renderings).toBeGreaterThan(EVENTS / 2);
  });
});

/** A page of React on a stream. @param mount makes it, where it is another one */
async function inReact(
  test: (page: Page, app: StreamApp) => Promise<void>,
  mount = (url: string, _app: StreamApp) => Promise.resolve(`mount(${JSON.stringify(url)})`),
): Promise<void> {
  const browser = await TestBrowser.start('chromium');
  const app = await StreamApp.start({ redis: redis.url, prefix: randomUUID(), channels: [boards] });
  try {
    const page = await browser.browser.newPage();
    await page.goto(`${app.url}/page`);
    await pages.load(page, 'react');
    await page.evaluate(`void binding.${await mount(app.streamUrl('news'), app)}`);
    await until(async () => (await app.registry.count({ channel: 'answer' })) === 1);
    await test(page, app);
  } finally {
    await browser.stop();
    await app.stop();
  }
}

it('begins the text of a run anew in React where its id becomes known in its midst', () =>
  inReact(async (page, app) => {
    const shows = (text: string) =>
      until(async () => (await page.$eval('#run', ({ textContent }) => textContent)) === text);
    let goOn!: () => void;
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const { id } = await app.hub.run('answer', async function* () {
      yield 'Hel';
      await gate;
      yield 'lo';
    });
    await shows('running: Hel');
    await page.evaluate(`window.runId = ${JSON.stringify(id)}`);
    await page.click('#resume');
    // Once it is on the stream again, from there.
    await until(async () => {
      const { connections } = await app.registry.list();
      return connections[0]!.channels.includes('answer');
    });
    await shows('running: Hel');
    goOn();
    await shows('done: Hello');
  }));

it('makes another client for another user in React', () =>
  inReact(async (page, app) => {
    const before = (await app.registry.list()).connections[0]!.id;
    await page.click('#sign-out');
    await until(async () => {
      const { connections } = await app.registry.list();
      return connections.length === 1 && connections[0]!.id !== before;
    });
  }));

it('asks no client of the user before for the channels of another user in React', () =>
  inReact(async (page, app) => {
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.click('#sign-out-and-next');
    await until(async () => (await app.registry.count({ channel: 'order:2' })) === 1 || errors.length > 0);
    expect(errors).toEqual([]);
    expect(await page.$('#status')).not.toBeNull();
  }));

it('shows nothing of one channel for another in React, in no rendering', () =>
  inReact(async (page, app) => {
    await app.hub.publish(boards({ id: 1 }), { type: 'put', data: 'x' }, { key: 'a' });
    await page.waitForFunction("map.textContent === '1: a x'");
    await page.evaluate(`
      window.shown = [];
      new MutationObserver((records) => shown.push(...records.map(({ oldValue }) => oldValue))).observe(
        document.querySelector('#map'), { subtree: true, characterData: true, characterDataOldValue: true });
    `);
    await page.click('#next');
    await page.waitForFunction("map.textContent === '2: '");
    expect(await page.evaluate('shown')).toEqual(['1: a x', 'loading']);
  }));

it.each([
  ['', async () => undefined],
  [' from an id on', (app: StreamApp) => app.hub.cursor()],
])('gets each event once in React where <Activity> hides a component%s, and shows it again', (_, begin) =>
  inReact(
    async (page, app) => {
      const shows = (text: string) =>
        until(async () => (await page.$eval('#tab', ({ textContent }) => textContent)) === text);
      const pay = (data: string) => app.hub.publish('order:1', { type: 'paid', data });
      let goOn!: () => void;
      const gate = new Promise<void>((resolve) => (goOn = resolve));
      await app.hub.run('answer', async function* () {
        yield 'Hel';
        await gate;
        yield 'lo';
      });
      await pay('a');
      await shows('a running Hel');
      await page.click('#toggle');
      await until(async () => (await app.registry.count({ channel: 'answer' })) === 0);
      await pay('b');
      goOn();
      await until(async () => (await app.hub.runOf('answer'))?.state === 'done');
      await page.click('#toggle');
      await until(async () => (await app.registry.count({ channel: 'answer' })) === 1);
      await pay('c');
      await shows('a,b,c done Hello');
    },
    async (url, app) => `mountTabs(${[url, await begin(app)].map((text) => JSON.stringify(text)).join()})`,
  ),
);

it('renders on a server without a connection', async () => {
  expect(reactPage.renderOnServer()).toContain('connecting');
  expect(await vuePage.renderOnServer()).toContain('connecting');
});
