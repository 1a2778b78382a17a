import { fileURLToPath } from 'node:url';
import { findRedisBinary, until } from '@nestjs-sse-redis/testing';
import { TestBrowser } from '@nestjs-sse-redis/testing/browser';
import { tokensOfAnswer } from '../src/worker/mock-model.js';
import { Asks } from './asks.js';
import { DemoPage } from './demo-page.js';
import { DemoProcess } from './demo-process.js';
import { takePicture } from './picture.js';

const FLOOD = 500;
/** Long enough to open a tab meanwhile. */
const SHARED_FLOOD = 1_500;
const PICTURE = fileURLToPath(new URL('../../../docs/demo.png', import.meta.url));
const WHOLE = { lost: 0, doubled: 0, disordered: 0, gaps: 0, told: 0 };

// One for all tests: three processes and a Redis take long to start.
let demo: DemoProcess;
beforeAll(async () => (demo = await DemoProcess.start({ REDIS_SERVER: findRedisBinary() })));
afterAll(() => demo?.stop());

describe('the demo page in Chromium', () => {
  let chromium: TestBrowser | undefined;
  const pages: DemoPage[] = [];
  let opened = 0;

  /** Each tab has a name of its own: the page takes one of 144. */
  const openPage = async (query = '') => {
    const url = new URL(`/${query}`, demo.url);
    url.searchParams.set('name', `Tab ${String(++opened).padStart(3, '0')}`);
    const page = await DemoPage.open(chromium!.browser, url.href);
    pages.push(page);
    return page;
  };

  beforeAll(async () => (chromium = await TestBrowser.start('chromium')));

  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.close()));
  });

  afterAll(() => chromium?.stop());

  it('keeps two tabs whole while the process of one is killed in the middle of a flood', async () => {
    const a = await openPage(`?flood=${FLOOD}`);
    const b = await openPage(`?flood=${FLOOD}`);
    await b.leave((await a.served()).pid);
    const before = { a: await a.served(), b: await b.served() };
    expect(before.a.name).not.toBe(before.b.name);

    await a.startFlood();
    const seen = await a.killServerAfter(100);
    expect(seen).toBeGreaterThanOrEqual(100);
    expect(seen).toBeLessThan(400);

    await Promise.all([a.waitForVerdict('whole'), b.waitForVerdict('whole')]);
    const after = { a: await a.state(), b: await b.state() };
    for (const page of [a, b]) {
      expect(await page.verdict()).toBe(`whole: ${FLOOD} of ${FLOOD}, in order, none twice`);
    }

    const all = Array.from({ length: FLOOD }, (_, i) => i + 1);
    expect(after.a.flood.numbers).toEqual(all);
    expect(after.b.flood.numbers).toEqual(all);
    expect(after.a.ids['flood']).toHaveLength(FLOOD);
    expect(after.a.ids['flood']).toEqual(after.b.ids['flood']);
    expect(after.a.counts).toMatchObject(WHOLE);
    expect(after.b.counts).toMatchObject(WHOLE);

    // The tab was moved, and while the flood ran: to a process that was not there or not its own before.
    expect(after.a.reconnects).toBeGreaterThanOrEqual(1);
    expect(after.a.served[0]).toMatchObject(before.a);
    expect(after.a.served[1]!.pid).not.toBe(before.a.pid);
    expect(after.a.served[1]!.after).toBeGreaterThanOrEqual(seen);
    expect(after.a.served[1]!.after).toBeLessThan(FLOOD);
    // The other stayed where it was.
    expect(after.b.served.map(({ pid }) => pid)).toEqual([before.b.pid]);
  });

  it('catches a tab up that was cut off during a whole flood', async () => {
    const a = await openPage('?flood=100');
    const b = await openPage('?flood=100');
    await a.page.click('#line');
    expect((await a.state()).state).toBe('cut');
    await b.startFlood();
    await b.waitForVerdict('whole');
    expect((await a.state()).flood.run).not.toBe((await b.state()).flood.run);

    await a.page.click('#line');
    await a.waitForVerdict('whole');
    const [cut, other] = [await a.state(), await b.state()];
    expect(cut.flood).toEqual(other.flood);
    expect(cut.counts).toMatchObject(WHOLE);
    expect(cut.reconnects).toBe(1);
  });

  it('shows news and chat in every tab, as the same text', async () => {
    const a = await openPage();
    const b = await openPage();
    await a.page.type('#news-form [name=headline]', 'Nothing <b>lost</b> & "nothing" twice\n');
    await b.page.type('#chat-form [name=name]', 'Ada');
    await b.page.type('#chat-form [name=text]', '<script>alert(1)</script>\n');
    for (const { page } of [a, b]) {
      await page.waitForFunction(() => document.querySelector('#chat li'), { polling: 10 });
      const text = await page.evaluate(() =>
        ['#news li', '#chat li'].map((line) => document.querySelector(line)?.textContent),
      );
      expect(text[0]).toContain('Nothing <b>lost</b> & "nothing" twice');
      expect(text[1]).toContain('Ada  <script>alert(1)</script>');
    }
  });

  it('shows who is here, by process, and arrivals and departures as they happen', async () => {
    const a = await openPage();
    const b = await openPage();
    const names = await Promise.all([a, b].map((page) => page.ownName()));
    // Each sees both, whichever process each is on.
    for (const page of [a, b])
      await page.waitForPeople((people) => names.every((name) => people.includes(name)));
    await pages.pop()!.close();
    await a.waitForPeople((people, [, gone]) => !people.includes(gone!), names);
    const left = await a.waitForChange('disconnected', names[1]!);
    expect(left).toContain('left');
  });

  it('shows a page that was cut off who came meanwhile', async () => {
    const a = await openPage();
    await a.press('#line');
    expect((await a.state()).state).toBe('cut');
    const name = await (await openPage()).ownName();
    await a.press('#line');
    expect(await a.waitForChange('connected', name)).toContain('came to');
  });

  it('shows the newest answer of the registry, though an older one comes later', async () => {
    const a = await openPage();
    const asks = await Asks.of(a.page);
    await asks.set('held');
    await openPage();
    await asks.oneIs('held');
    await asks.set(undefined);
    const name = await (await openPage()).ownName();
    await a.waitForPeople((people) => people.includes(name));
    await asks.answerHeld();
    expect(await a.people()).toContain(name);
  });

  it('asks the registry again where no process answers', async () => {
    const a = await openPage();
    const asks = await Asks.of(a.page);
    await asks.set('failed');
    const name = await (await openPage()).ownName();
    await a.waitForChange('connected', name);
    await asks.set('failed');
    await asks.oneIs('failed');
    expect(await a.people()).not.toContain(name);
    await asks.set(undefined);
    await a.waitForPeople((people) => people.includes(name));
  });

  it('drains a process: its tabs are handed over, nothing is lost, and the registry says so', async () => {
    const a = await openPage(`?flood=${FLOOD}`);
    const b = await openPage();
    await b.leave((await a.served()).pid);
    const { pid, name } = await a.served();
    await a.startFlood();
    await b.page.waitForSelector(`tr[data-pid="${pid}"] .drain:not(:disabled)`);
    await b.page.click(`tr[data-pid="${pid}"] .drain`);
    await a.waitForVerdict('whole');
    await a.page.waitForFunction(
      (pid) => window.demo.servedBy && window.demo.servedBy.pid !== pid,
      { polling: 10 },
      pid,
    );
    expect((await a.state()).counts).toMatchObject(WHOLE);
    expect(await b.waitForChange('disconnected', await a.ownName())).toContain(
      `handed over by its process (${name})`,
    );
    // A new process takes the place.
    await b.page.waitForFunction(
      (name, pid) => {
        const row = document.querySelector<HTMLElement>(`tr[data-name="${name}"]`)!;
        return row.dataset['pid'] !== String(pid) && row.querySelector('.state.up') !== null;
      },
      { polling: 20, timeout: 60_000 },
      name,
      pid,
    );
  });

  it('tells of the departures of a process that was killed, once its lease has run out', async () => {
    const a = await openPage();
    const b = await openPage();
    await b.leave((await a.served()).pid);
    const { pid, name } = await a.served();
    await b.page.click(`tr[data-pid="${pid}"] .kill`);
    expect(await b.waitForChange('disconnected', await a.ownName())).toContain(
      `lost with its process (${name})`,
    );
  });

  // The twin of all this: a ledger that could not fail would prove nothing.
  it('turns red when one event is kept from it', async () => {
    const page = await openPage('?flood=50');
    await page.page.evaluate(() => window.demo.drop(1));
    await page.startFlood();
    await page.waitForVerdict('broken');
    expect(await page.verdict()).toBe('broken: 1 lost');
    expect((await page.state()).counts).toMatchObject({ ...WHOLE, lost: 1 });
  });
});

describe.each(['chromium', 'firefox'] as const)('tabs of one %s', (name) => {
  let browser: TestBrowser | undefined;
  let a: DemoPage;

  beforeAll(async () => (browser = await TestBrowser.start(name)));

  beforeEach(
    async () => (a = await DemoPage.open(browser!.browser, `${demo.url}/?flood=${SHARED_FLOOD}&pace=10`)),
  );
  afterEach(() => a?.close());

  afterAll(() => browser?.stop());

  const streams = async () => (await demo.processes()).reduce((sum, { connections }) => sum + connections, 0);

  it('share one stream, and are whole although the tab that has it is closed in the middle of a flood', async () => {
    const b = await a.openTab(`?flood=${SHARED_FLOOD}`);
    // Each tab has one of its own, unless they share (control).
    await until(async () => (await streams()) === 2, { timeout: 60_000 });
    await a.press('#share');
    const roles = [await a.role(), await b.role()];
    expect([...roles].sort()).toEqual(['leader', 'follower'].sort());
    expect((await a.tabs(2)).sort()).toEqual(['follower', 'leader']);
    await until(async () => (await streams()) === 1, { timeout: 60_000 });

    const [leader, other] = roles[0] === 'leader' ? [a, b] : [b, a];
    // In the background Firefox runs timers once a second, and a flood is paced by them.
    await other.page.bringToFront();
    await other.press('#flood');
    await other.page.waitForFunction(() => window.demo.flood.numbers.length >= 50, { polling: 10 });
    // One that comes in the middle of a flood takes no part of it for lost.
    const late = await a.openTab();
    expect(await late.role()).toBe('follower');
    await other.page.bringToFront();
    await late.page.waitForFunction(() => window.demo.flood.numbers.length >= 50, { polling: 10 });
    await leader.closeTab();
    for (const tab of [other, late]) {
      await tab.waitForVerdict('whole');
      expect((await tab.state()).counts).toMatchObject(WHOLE);
    }
    expect((await other.state()).flood.numbers).toHaveLength(SHARED_FLOOD);
    expect((await other.tabs(2)).sort()).toEqual(['follower', 'leader']);
  });

  it('have the whole answer of the mock model after a reload and in a new tab', async () => {
    await a.ask('What is kept?');
    await a.waitForAnswer('What is kept?', 200);
    await a.page.reload();
    const b = await a.openTab();
    for (const tab of [a, b]) {
      const { text, verdict } = await tab.endOfAnswer('done');
      expect(text).toBe(tokensOfAnswer().join(''));
      expect(verdict).toBe('whole: 400 of 400 tokens');
    }
  });

  it('are told that the answer was stopped, by another tab, or lost its process', async () => {
    const b = await a.openTab();
    await a.ask('What is stopped?');
    await b.waitForAnswer('What is stopped?', 100);
    await b.press('#ask-stop');
    const [stopped, same] = await Promise.all([a, b].map((tab) => tab.endOfAnswer('stopped')));
    expect(stopped).toEqual(same);
    expect(stopped!.text.length).toBeLessThan(tokensOfAnswer().join('').length);

    await a.ask('What is lost?');
    await b.waitForAnswer('What is lost?', 100);
    await b.press('#ask-kill');
    const [lost, alike] = await Promise.all([a, b].map((tab) => tab.endOfAnswer('interrupted')));
    expect(lost).toEqual(alike);
    expect(lost!.verdict).toMatch(/^interrupted after \d+ of 400 tokens: w\d has died\. Ask again\.$/);
  });
});

// Not a test: the picture of the repository changes only when somebody wants it to.
if (process.env['UPDATE_SCREENSHOT']) {
  it('sits for its picture in the README', async () => {
    const demo = await DemoProcess.start({ REDIS_SERVER: findRedisBinary() });
    const chromium = await TestBrowser.start('chromium');
    try {
      expect(await takePicture(chromium.browser, demo.url, PICTURE as `${string}.png`)).toBeGreaterThan(
        50_000,
      );
    } finally {
      await chromium.stop();
      await demo.stop();
    }
  });
}
