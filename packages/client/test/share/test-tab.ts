import type { Page } from 'puppeteer-core';
import { until } from '@nestjs-sse-redis/testing';
import type { PageOpener, TestPage as AnyPage } from '@nestjs-sse-redis/testing/browser';
import type { OpenOptions, Received, TestPage } from './page.js';
import type { TabProgress } from '../../src/share/tab-progress.js';
import type { ShareApp } from './share.app.js';

export type TabRecord = Readonly<Pick<TestPage, 'received' | 'marks' | 'standstills' | 'requests'>>;

export function numbersOf(received: readonly Received[], channel: string): number[] {
  return received.flatMap((event) =>
    event.channel === channel && event.type === 'tick' ? [(JSON.parse(event.data) as { n: number }).n] : [],
  );
}

/** A tab of a browser, with a shared stream. */
export class TestTab {
  private constructor(readonly page: AnyPage) {}

  static async open(
    browser: PageOpener,
    app: ShareApp,
    options: OpenOptions,
    csp?: string,
  ): Promise<TestTab> {
    const page = await browser.newPage();
    const query = csp === undefined ? '' : `?csp=${encodeURIComponent(csp)}`;
    await page.goto(`${app.url}/page${query}`);
    await page.evaluate((options) => window.tab.open(options), options as never);
    return new TestTab(page);
  }

  /** A tab that shows the map of a state channel, over the stream of all tabs. */
  static async openMap(
    browser: PageOpener,
    app: ShareApp,
    options: Pick<OpenOptions, 'user' | 'way'>,
    channel: string,
  ): Promise<TestTab> {
    const page = await browser.newPage();
    await page.goto(`${app.url}/page`);
    await page.evaluate((options, channel) => window.tab.openMap(options, channel), options, channel);
    return new TestTab(page);
  }

  /** The map that the tab shows, as text; and the least keys that it ever showed. */
  async map(): Promise<{ readonly entries: string; readonly least: number }> {
    return this.page.evaluate(() => {
      const { map, sizes } = window.tab;
      const entries = [...map!.view.map].map(([key, { data }]) => `${key} ${String(data)}`);
      return { entries: entries.join(), least: Math.min(...sizes) };
    });
  }

  /** What it received, and what it noted of switches. As one text: browsers take seconds to hand over thousands of objects. */
  async record(): Promise<TabRecord> {
    const text = await this.page.evaluate(() => {
      const { received, marks, standstills, requests } = window.tab;
      return JSON.stringify({ received, marks, standstills, requests });
    });
    return JSON.parse(text) as TabRecord;
  }

  async received(): Promise<readonly Received[]> {
    return (await this.record()).received;
  }

  /** The numbers of a channel's events. */
  async numbers(channel: string): Promise<number[]> {
    return numbersOf(await this.received(), channel);
  }

  async state(): Promise<string | undefined> {
    return (await this.page.evaluate(() => window.tab.states)).at(-1);
  }

  async role(): Promise<string | undefined> {
    return (await this.page.evaluate(() => window.tab.roles)).at(-1);
  }

  log(): Promise<string[]> {
    return this.page.evaluate(() => window.tab.log);
  }

  isOpen(isShared = true): Promise<unknown> {
    return until(
      async () => {
        const { states, roles, log } = await this.page.evaluate(({ states, roles, log } = window.tab) => ({
          states,
          roles,
          log,
        }));
        if (states.at(-1) !== 'open' || (isShared && roles.length === 0))
          throw new Error(JSON.stringify({ states, roles, log }));
        return true;
      },
      { interval: 20, message: 'the tab has an open stream', timeout: 20_000 },
    );
  }

  /** Waits until the tab knows from where all of its channels go on. */
  isPlaced(): Promise<unknown> {
    const look = () => {
      const { progress } = window.tab.stream as unknown as { progress: TabProgress };
      return progress.from !== null && progress.wants.every(([, after]) => after !== null);
    };
    return until(() => this.page.evaluate(look), { interval: 20, message: 'the tab knows where it is' });
  }

  add(channel: string, after?: string): Promise<void> {
    return this.page.evaluate((channel, after) => window.tab.stream!.add(channel, after), channel, after);
  }

  /**
   * Keeps the page's only thread busy, as an endless loop would.
   *
   * @param ms how long
   * @returns resolves when that is about to begin
   */
  async stick(ms: number): Promise<void> {
    await this.page
      .evaluate((ms) => {
        setTimeout(() => {
          const end = Date.now() + ms;
          while (Date.now() < end);
        });
      }, ms)
      .catch(() => undefined);
  }

  private get chromiumPage(): Page {
    return this.page as Page;
  }

  /** Chromium. */
  async setFrozen(isFrozen: boolean): Promise<void> {
    const session = await this.chromiumPage.createCDPSession();
    await session.send('Page.setWebLifecycleState', { state: isFrozen ? 'frozen' : 'active' });
    await session.detach();
  }

  /** Chromium: its renderer dies. */
  async crash(): Promise<void> {
    const session = await this.chromiumPage.createCDPSession();
    const crashed = new Promise((resolve) => this.chromiumPage.once('error', resolve));
    // It never answers.
    session.send('Page.crash').catch(() => undefined);
    await crashed;
  }

  close(): Promise<void> {
    return this.page.close();
  }
}
