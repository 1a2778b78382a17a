import { expect } from '@jest/globals';
import { until } from '@nestjs-sse-redis/testing';
import type { PageOpener, TestBrowser } from '../../../../libs/testing/src/browser.js';
import type { OpenOptions } from './page.js';
import { PROTOCOL } from '../../src/share/protocol.js';
import { ShareApp } from './share.app.js';
import { TestTab } from './test-tab.js';

const SLOW = { interval: 30 };

/** A browser with tabs of one user after the other. */
export class ShareScene {
  private tabs: TestTab[] = [];
  private users = 0;
  user = '';

  private constructor(
    readonly browser: TestBrowser<PageOpener>,
    readonly app: ShareApp,
  ) {}

  static async start(browser: TestBrowser<PageOpener>): Promise<ShareScene> {
    return new ShareScene(browser, await ShareApp.start());
  }

  /** Each test has a user of its own, and so no tab in common with others. */
  nextUser(): string {
    return (this.user = `u${++this.users}`);
  }

  /** @param csp a Content-Security-Policy */
  async open(options: Omit<OpenOptions, 'user'> & { user?: string }, csp?: string): Promise<TestTab> {
    const tab = await TestTab.open(this.browser.browser, this.app, { user: this.user, ...options }, csp);
    this.tabs.push(tab);
    await tab.isOpen(options.without !== 'sharing');
    if (options.without === undefined || options.without === 'dedupe') await tab.isPlaced();
    return tab;
  }

  /** A tab that shows the map of a state channel. */
  async openMap(way: OpenOptions['way'], channel: string): Promise<TestTab> {
    const { browser, app, user } = this;
    const tab = await TestTab.openMap(browser.browser, app, { user, way }, channel);
    this.tabs.push(tab);
    return tab;
  }

  /** Waits until each tab shows a map. */
  async showsMap(entries: string, ...tabs: readonly TestTab[]): Promise<void> {
    for (const tab of tabs)
      await until(async () => (await tab.map()).entries === entries, {
        ...{ ...SLOW, message: `a tab shows ${entries}` },
      });
  }

  /** @returns the ids */
  async publish(channel: string, ...numbers: number[]): Promise<string[]> {
    const ids: string[] = [];
    for (const n of numbers)
      ids.push((await this.app.hub.publish(channel, { type: 'tick', data: { n } })).id);
    return ids;
  }

  streams(count: number, user = this.user): Promise<unknown> {
    return until(async () => (await this.app.streams(user)) === count, {
      ...SLOW,
      message: `${user} has ${count} streams`,
    });
  }

  listeners(channel: string, count: number): Promise<unknown> {
    return until(async () => (await this.app.listeners(channel)) === count, {
      ...SLOW,
      message: `${channel} has ${count} listeners`,
    });
  }

  /** Fails as soon as the tab has others. */
  async waitFor(tab: TestTab, channel: string, numbers: readonly number[]): Promise<void> {
    let seen: number[] = [];
    await until(
      async () => {
        seen = await tab.numbers(channel);
        const isDone = seen.length >= numbers.length || seen.join() !== numbers.slice(0, seen.length).join();
        return isDone || Promise.reject(new Error(`${seen.length} events, the last is ${seen.at(-1)}`));
      },
      { ...SLOW, message: `a tab has ${numbers.length} events of ${channel}` },
    );
    expect(seen).toEqual(numbers);
  }

  /** Says to the tab, as a host of an older generation, that the stream is over. */
  async impersonateOldHost(tab: TestTab): Promise<void> {
    const { user } = this;
    const name = `nestjs-sse-redis/${PROTOCOL}/${user}/${this.app.url}/events/${user}`;
    await tab.page.evaluate((name) => {
      const channel = new BroadcastChannel(name);
      const state = { status: 'stopped', reason: 'closed' };
      channel.postMessage({ kind: 'state', state, host: 'old', generation: 1, seq: 1 });
      channel.close();
    }, name);
  }

  async clear(): Promise<void> {
    await Promise.all(this.tabs.map((tab) => tab.close().catch(() => undefined)));
    this.tabs = [];
  }

  async stop(): Promise<void> {
    await Promise.all([this.browser.stop(), this.app.stop()]);
  }
}
