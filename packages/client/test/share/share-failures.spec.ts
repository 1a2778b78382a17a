import { until } from '@nestjs-sse-redis/testing';
import { browserNames, TestBrowser } from '../../../../libs/testing/src/browser.js';
import { ShareScene } from './share-scene.js';
import type { TestTab } from './test-tab.js';

const SLOW = { interval: 30 };
const STALLABLE = { way: 'worker', workerUrl: '/stallable-worker.js' } as const;
const IMPATIENT = { impatient: true };
const HUNDRED = Array.from({ length: 100 }, (_, i) => i + 1);

describe.each(browserNames)('in %s', (name) => {
  let scene: ShareScene;
  let user: string;
  let news: string;

  beforeAll(async () => {
    scene = await ShareScene.start(await TestBrowser.start(name));
  });
  beforeEach(() => {
    user = scene.nextUser();
    news = `news:${user}`;
  });
  afterEach(() => scene.clear());
  afterAll(() => scene?.stop());

  const roleIs = (tab: TestTab, ...roles: string[]) =>
    until(
      async () => {
        const role = await tab.role();
        return roles.includes(role!) || Promise.reject(new Error(`${role}: ${(await tab.log()).join(', ')}`));
      },
      { ...SLOW, message: `a tab is ${roles.join(' or ')}` },
    );

  const tellWorker = (tab: TestTab, message: { close?: true; stall?: number }) =>
    tab.page.evaluate((message) => {
      const channel = new BroadcastChannel('test-worker');
      channel.postMessage(message);
      channel.close();
    }, message);

  it('gives a tab the stream where the script of the worker is not there', async () => {
    const tabs = [
      await scene.open({ way: 'worker', workerUrl: '/nowhere.js' }),
      await scene.open({ way: 'worker', workerUrl: '/nowhere.js' }),
    ] as const;
    await roleIs(tabs[0], 'leader');
    await roleIs(tabs[1], 'follower');
    await scene.streams(1);
    expect((await tabs[0].log()).join()).toContain('The SharedWorker did not load: a tab has the stream.');
  });

  it('gives a tab the stream where the script of the worker does not come', async () => {
    const tab = await scene.open({ way: 'worker', workerUrl: '/hanging.js', ...IMPATIENT });
    await roleIs(tab, 'leader');
    scene.app.scripts.hanging.splice(0).forEach((response) => response.writeHead(404).end());
    expect((await tab.log()).join()).toContain('The worker did not load in time.');
  });

  it('gives a tab the stream where a Content-Security-Policy forbids the worker', async () => {
    const tab = await scene.open({ way: 'worker' }, "worker-src 'none'");
    await roleIs(tab, 'leader');
    await scene.streams(1);
    await scene.publish(`user:${user}`, 1);
    await scene.waitFor(tab, `user:${user}`, [1]);
  });

  it('has the stream in an inlined worker where a Content-Security-Policy allows blob:, and loses nothing with its tab', async () => {
    const open = () => scene.open({ way: 'inlined', channels: { [news]: null } }, 'worker-src blob:');
    const one = await open();
    await roleIs(one, 'worker');
    const two = await open();
    await roleIs(two, 'worker');
    await Promise.all([scene.streams(1), scene.listeners(news, 1)]);
    const flow = scene.publish(news, ...HUNDRED);
    await one.close();
    await flow;
    await scene.waitFor(two, news, HUNDRED);
    await roleIs(two, 'worker');
    await scene.streams(1);
  });

  it('gives a tab the stream where a Content-Security-Policy does not allow blob: (negative control)', async () => {
    const tab = await scene.open({ way: 'inlined' }, "worker-src 'self'");
    await roleIs(tab, 'leader');
    expect((await tab.log()).join()).toContain('The SharedWorker did not load: a tab has the stream.');
    await scene.streams(1);
  });

  it.each([
    ['worker', 'worker', 'worker'],
    ['locks', 'leader', 'follower'],
  ] as const)(
    'has one stream by %s where the browser does not say who holds locks',
    async (way, first, second) => {
      const open = () =>
        scene.open({
          ...{ way, unasked: true, channels: { [news]: null } },
          ...(way === 'worker' && { workerUrl: '/unasked-worker.js' }),
        });
      const one = await open();
      await roleIs(one, first);
      const two = await open();
      await roleIs(two, second);
      await Promise.all([scene.streams(1), scene.listeners(news, 1)]);
      const flow = scene.publish(news, ...HUNDRED);
      await one.close();
      await flow;
      await scene.waitFor(two, news, HUNDRED);
      await scene.streams(1);
    },
  );

  /** Closes the tab that has the stream in the middle of an event, the fiftieth of a hundred. @returns another tab */
  async function closeAtEvent(without?: 'wholeness'): Promise<TestTab> {
    const options = { way: 'locks', channels: { [news]: null } } as const;
    const one = await scene.open({ ...options, stuckAt: 50, ...(without && { without }) });
    await roleIs(one, 'leader');
    const two = await scene.open(options);
    await roleIs(two, 'follower');
    await scene.listeners(news, 1);
    await scene.publish(news, ...HUNDRED);
    await until(() => scene.app.scripts.stuck.has(user));
    await one.close();
    return two;
  }

  it('loses nothing where the browser ends the script of a tab that is closed', async () => {
    const tab = await closeAtEvent();
    await scene.waitFor(tab, news, HUNDRED);
    await scene.streams(1);
  });

  // Chromium ends the process, which says nothing more.
  if (name === 'firefox')
    it('loses the event where the host has told of it before it was sent (negative control)', async () => {
      const tab = await closeAtEvent('wholeness');
      await scene.waitFor(
        tab,
        news,
        HUNDRED.filter((n) => n !== 50),
      );
    });

  it('gives a tab the stream where the worker ends, and loses nothing', async () => {
    const tabs = await Promise.all(
      [1, 2].map(() => scene.open({ ...STALLABLE, channels: { [news]: null } })),
    );
    await scene.listeners(news, 1);
    await Promise.all(tabs.map((tab) => roleIs(tab, 'worker')));
    await tellWorker(tabs[0]!, { close: true });
    await scene.publish(news, ...HUNDRED);
    await Promise.all(tabs.map((tab) => scene.waitFor(tab, news, HUNDRED)));
    await Promise.all(tabs.map((tab) => roleIs(tab, 'leader', 'follower')));
    await scene.streams(1);
  });

  it('gives a tab the stream where the worker is stuck, and hears the worker no more', async () => {
    const tabs = await Promise.all(
      [1, 2].map(() => scene.open({ ...STALLABLE, ...IMPATIENT, channels: { [news]: null } })),
    );
    await scene.listeners(news, 1);
    await tellWorker(tabs[0]!, { stall: 6_000 });
    await scene.publish(news, ...HUNDRED);
    await Promise.all(tabs.map((tab) => scene.waitFor(tab, news, HUNDRED)));
    await Promise.all(tabs.map((tab) => roleIs(tab, 'leader', 'follower')));
    // The worker closes its own when it goes on.
    await scene.streams(1);
    await scene.publish(news, 101);
    await Promise.all(tabs.map((tab) => scene.waitFor(tab, news, [...HUNDRED, 101])));
  });

  it('takes the stream from a tab that is stuck, and loses nothing', async () => {
    const one = await scene.open({ way: 'locks', ...IMPATIENT, channels: { [news]: null } });
    const two = await scene.open({ way: 'locks', ...IMPATIENT, channels: { [news]: null } });
    await scene.listeners(news, 1);
    await one.stick(6_000);
    await scene.publish(news, ...HUNDRED);
    await roleIs(two, 'leader');
    await scene.publish(news, 101);
    await Promise.all([one, two].map((tab) => scene.waitFor(tab, news, [...HUNDRED, 101])));
    await roleIs(one, 'follower');
    await scene.streams(1);
  });

  it('asks a tab for the token of each attempt of the worker, and another one when that is closed', async () => {
    const one = await scene.open({ way: 'worker', token: 'one' });
    const two = await scene.open({ way: 'worker', token: 'two' });
    await one.close();
    const before = scene.app.tokens.length;
    await two.page.evaluate(() => window.tab.stream!.reconnect());
    await until(() => scene.app.tokens.length > before, SLOW);
    expect(scene.app.tokens[0]).toMatch(/^Bearer (one|two)-1$/);
    expect(scene.app.tokens.at(-1)).toMatch(/^Bearer two-/);
    await scene.streams(1);
  });

  it('ignores what a host says that has been replaced', async () => {
    const tab = await scene.open({ way: 'locks' });
    await scene.impersonateOldHost(tab);
    await scene.publish(`user:${user}`, 1);
    await scene.waitFor(tab, `user:${user}`, [1]);
    expect(await tab.state()).toBe('open');
  });

  it('stops at the word of a host that has been replaced, without fencing (negative control)', async () => {
    const tab = await scene.open({ way: 'locks', without: 'fencing' });
    await scene.impersonateOldHost(tab);
    await until(async () => (await tab.state())?.startsWith('stopped'), SLOW);
  });

  it('delivers events twice where another tab begins earlier, without dropping known ones (negative control)', async () => {
    const channel = `user:${user}`;
    const one = await scene.open({ way: 'locks', without: 'dedupe' });
    const [first] = await scene.publish(channel, ...HUNDRED.slice(0, 50));
    await scene.waitFor(one, channel, HUNDRED.slice(0, 50));
    await one.page.evaluate(() => window.tab.stream!.add('another'));
    // More than is held, so that the stream begins anew.
    const many = Array.from({ length: 300 }, (_, i) => i + 51);
    await scene.publish(channel, ...many);
    await until(async () => (await one.numbers(channel)).length >= 350, SLOW);
    await scene.open({ way: 'locks', lastEventId: first!, without: 'dedupe' });
    await until(async () => (await one.numbers(channel)).length > 350, SLOW);
  });

  const ordinary = (tab: TestTab) =>
    tab.page.evaluate(async () => {
      const signal = AbortSignal.timeout(2_500);
      return fetch('/ordinary', { signal }).then((response) => response.text(), String);
    });

  it('leaves connections of HTTP/1.1 for other requests with six tabs', async () => {
    const tabs = await Promise.all([1, 2, 3, 4, 5, 6].map(() => scene.open({ way: 'worker' })));
    await scene.streams(1);
    expect(await ordinary(tabs[5]!)).toBe('answered');
  });

  it('leaves no connection of HTTP/1.1 for other requests with six streams (negative control)', async () => {
    const tabs: TestTab[] = [];
    for (let i = 0; i < 6; i++) tabs.push(await scene.open({ way: 'locks', without: 'sharing' }));
    await scene.streams(6);
    expect(await ordinary(tabs[0]!)).toMatch(/Timeout|Abort/);
  });

  // Tabs of one origin share a process in Firefox, where a stuck one holds up the others.
  if (name === 'chromium') {
    it('loses events when a leader is stuck, without handing over positions (negative control)', async () => {
      const open = () =>
        scene.open({ way: 'locks', ...IMPATIENT, channels: { [news]: null }, without: 'handover' });
      const one = await open();
      const two = await open();
      await scene.listeners(news, 1);
      await scene.publish(news, 1);
      await scene.waitFor(two, news, [1]);
      await one.stick(4_000);
      await scene.publish(news, ...HUNDRED.slice(1));
      await roleIs(two, 'leader');
      await until(async () => {
        await scene.publish(news, 101);
        return (await two.numbers(news)).includes(101);
      }, SLOW);
      expect(await two.numbers(news)).not.toContain(50);
    });

    it('gives the stream of a frozen tab to another, and the frozen tab all events when it is thawed', async () => {
      const one = await scene.open({ way: 'locks', channels: { [news]: null } });
      const two = await scene.open({ way: 'locks', channels: { [news]: null } });
      await scene.listeners(news, 1);
      await one.setFrozen(true);
      await scene.publish(news, ...HUNDRED);
      await scene.waitFor(two, news, HUNDRED);
      await roleIs(two, 'leader');
      await one.setFrozen(false);
      await scene.waitFor(one, news, HUNDRED);
      await scene.streams(1);
    });

    it('gives the stream of a tab that crashes to another', async () => {
      const one = await scene.open({ way: 'locks', channels: { [news]: null } });
      const two = await scene.open({ way: 'locks', channels: { [news]: null } });
      await scene.listeners(news, 1);
      await one.crash();
      await scene.publish(news, ...HUNDRED);
      await scene.waitFor(two, news, HUNDRED);
      await scene.streams(1);
    });
  }
});
