import { jest } from '@jest/globals';
import { until } from '@nestjs-sse-redis/testing';
import { TestBrowser, type BrowserName } from '../../../../libs/testing/src/browser.js';
import type { OpenOptions } from './page.js';
import { ShareApp } from './share.app.js';
import { TestTab } from './test-tab.js';

jest.setTimeout(60_000);

const BROWSERS: BrowserName[] = ['chromium', 'firefox'];
const WAYS = ['worker', 'locks'] as const;
const SLOW = { interval: 30 };
/** More than a host holds of a channel. */
const MANY = Array.from({ length: 300 }, (_, i) => i + 1);

describe.each(BROWSERS)('in %s', (name) => {
  let browser: TestBrowser;
  let app: ShareApp;
  let tabs: TestTab[] = [];
  let users = 0;
  let user = '';
  /** Channels of this test alone. */
  let news = '';
  let sport = '';

  beforeAll(async () => {
    [browser, app] = await Promise.all([TestBrowser.start(name), ShareApp.start()]);
  });
  beforeEach(() => {
    user = `u${++users}`;
    news = `news:${user}`;
    sport = `sport:${user}`;
  });
  afterEach(async () => {
    await Promise.all(tabs.map((tab) => tab.close().catch(() => undefined)));
    tabs = [];
  });
  afterAll(() => Promise.all([browser?.stop(), app?.stop()]));

  async function open(options: Omit<OpenOptions, 'user'> & { user?: string }, csp?: string): Promise<TestTab> {
    const tab = await TestTab.open(browser.browser, app, { user, ...options }, csp);
    tabs.push(tab);
    await tab.isOpen();
    return tab;
  }

  async function publish(channel: string, ...numbers: number[]): Promise<string[]> {
    const ids: string[] = [];
    for (const n of numbers) ids.push(await app.hub.publish(channel, { type: 'tick', data: { n } }));
    return ids;
  }

  const streams = (count: number, of = user) =>
    until(async () => (await app.streams(of)) === count, { ...SLOW, message: `${of} has ${count} streams` });
  const listeners = (channel: string, count: number) =>
    until(async () => (await app.listeners(channel)) === count, {
      ...SLOW,
      message: `${channel} has ${count} listeners`,
    });
  const has = (tab: TestTab, channel: string, numbers: readonly number[]) =>
    until(async () => (await tab.numbers(channel)).join() === numbers.join() || (await tab.numbers(channel)).join(), {
      ...SLOW,
      message: `the tab has ${numbers.join()} of ${channel}`,
      timeout: 15_000,
    }).then((seen) => expect(seen).toBe(true));

  describe.each(WAYS)('by %s', (way) => {
    it('has one stream for all tabs, which delivers events to the tabs that need them', async () => {
      const [one, two, three] = await Promise.all([
        open({ way, channels: { [news]: null } }),
        open({ way, channels: { [news]: null, [sport]: null } }),
        open({ way }),
      ]);
      await Promise.all([streams(1), listeners(news, 1), listeners(sport, 1)]);
      await publish(news, 1, 2);
      await publish(sport, 1);
      await publish(`user:${user}`, 1);
      await Promise.all([one, two, three].map((tab) => has(tab, `user:${user}`, [1])));
      await Promise.all([one, two].map((tab) => has(tab, news, [1, 2])));
      await has(two, sport, [1]);
      expect(await three.numbers(news)).toEqual([]);
      expect(await one.numbers(sport)).toEqual([]);
      const roles = await Promise.all([one, two, three].map((tab) => tab.role()));
      expect(roles.filter((role) => role === 'worker')).toHaveLength(way === 'worker' ? 3 : 0);
      expect(roles.filter((role) => role === 'leader')).toHaveLength(way === 'worker' ? 0 : 1);
    });

    it('replays to a tab that joins late the events behind its position, and to no other', async () => {
      const one = await open({ way, channels: { [news]: null } });
      await listeners(news, 1);
      const [first] = await publish(news, 1, 2, 3);
      await has(one, news, [1, 2, 3]);
      const two = await open({ way, channels: { [news]: first! } });
      await has(two, news, [2, 3]);
      await publish(news, 4);
      await Promise.all([has(one, news, [1, 2, 3, 4]), has(two, news, [2, 3, 4])]);
      await streams(1);
    });

    it('asks the server for events that are older than what is held, and drops them in tabs that had them', async () => {
      const one = await open({ way, channels: { [news]: null } });
      await listeners(news, 1);
      const [first] = await publish(news, ...MANY);
      await has(one, news, MANY);
      const two = await open({ way, channels: { [news]: first! } });
      await publish(news, 301);
      await Promise.all([has(one, news, [...MANY, 301]), has(two, news, [...MANY.slice(1), 301])]);
      await streams(1);
    });

    it('begins a tab with a last event id behind it, and tells the others nothing twice', async () => {
      const channel = `user:${user}`;
      const one = await open({ way });
      const [first] = await publish(channel, ...MANY);
      await has(one, channel, MANY);
      const two = await open({ way, lastEventId: first! });
      await has(two, channel, MANY.slice(1));
      await publish(channel, 301);
      await Promise.all([has(one, channel, [...MANY, 301]), has(two, channel, [...MANY.slice(1), 301])]);
      await streams(1);
    });

    it('takes a channel off the stream when its last tab is closed', async () => {
      await open({ way });
      const two = await open({ way, channels: { [news]: null } });
      await listeners(news, 1);
      await two.close();
      await listeners(news, 0);
      await streams(1);
    });

    it('ends the stream when the last tab is closed', async () => {
      const [one, two] = await Promise.all([open({ way }), open({ way })]);
      await streams(1);
      await Promise.all([one.close(), two.close()]);
      await streams(0);
    });

    it('keeps users with other keys apart', async () => {
      const other = `${user}b`;
      const [mine, theirs] = await Promise.all([open({ way }), open({ way, user: other })]);
      await Promise.all([streams(1), streams(1, other)]);
      await publish(`user:${user}`, 1);
      await publish(`user:${other}`, 2);
      await Promise.all([has(mine, `user:${user}`, [1]), has(theirs, `user:${other}`, [2])]);
      expect(await theirs.received()).toHaveLength(1);
    });

    it('ends the streams of all tabs when the user logs out', async () => {
      const other = `${user}b`;
      const all = await Promise.all([open({ way }), open({ way }), open({ way, user: other })]);
      await streams(1);
      await all[0].page.evaluate((user) => window.test.logOut(user), user);
      await streams(0);
      for (const tab of all.slice(0, 2)) await until(async () => (await tab.state()) === 'stopped closed', SLOW);
      await streams(1, other);
    });

    it('delivers each event once where the tab that has the stream is closed while events flow', async () => {
      const one = await open({ way, channels: { [news]: null } });
      const [two, three] = await Promise.all([
        open({ way, channels: { [news]: null } }),
        open({ way, channels: { [sport]: null } }),
      ]);
      await Promise.all([listeners(news, 1), listeners(sport, 1)]);
      const flow = publish(news, ...MANY);
      await one.close();
      // Nothing of this channel has come when its stream ends.
      await publish(sport, 1);
      await flow;
      await Promise.all([has(two, news, MANY), has(three, sport, [1])]);
      await streams(1);
    });
  });
});
