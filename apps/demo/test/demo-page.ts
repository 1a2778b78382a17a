import { until } from '@nestjs-sse-redis/testing';
import type { Browser, BrowserContext, Page } from 'puppeteer-core';

/** What `window.demo` of public/app.js tells. */
export interface PageState {
  ids: Record<string, string[]>;
  flood: { run?: string; of?: number; numbers: number[] };
  state: string;
  reconnects: number;
  servedBy?: Served;
  served: (Served & { after: number })[];
  counts: Record<'received' | 'lost' | 'doubled' | 'disordered' | 'gaps' | 'told', number>;
  verdict: { state: string; text: string };
}

interface Served {
  name: string;
  pid: number;
  generation: number;
}

declare global {
  interface Window {
    demo: PageState & { drop(count: number): void };
  }
}

/** For `waitForFunction`: a tab in the background has no animation frames. */
const EAGERLY = { polling: 10, timeout: 20_000 };

/** The demo's page in a tab of a browser context of its own. */
export class DemoPage {
  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  static async open(browser: Browser, url: string): Promise<DemoPage> {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.goto(url);
    const demo = new DemoPage(context, page);
    await demo.served();
    return demo;
  }

  /** Opens it again until another process serves it. */
  async leave(pid: number): Promise<void> {
    for (let attempt = 0; (await this.served()).pid === pid; attempt++) {
      if (attempt === 20) throw new Error(`every stream is served by process ${pid}`);
      await this.page.reload();
    }
  }

  async served(): Promise<Served> {
    await this.page.waitForFunction(() => window.demo?.servedBy !== undefined, EAGERLY);
    return (await this.state()).servedBy as Served;
  }

  /** A copy of everything. */
  state(): Promise<PageState> {
    return this.page.evaluate(() => {
      const { ids, flood, state, reconnects, servedBy, served, counts, verdict } = window.demo;
      return { ids, flood, state, reconnects, servedBy, served, counts, verdict };
    });
  }

  /** The verdict as a visitor reads it. */
  async verdict(): Promise<string> {
    return this.page.$eval('#verdict-text', (element) => element.textContent ?? '');
  }

  /** Which port has the slot of the hub, as the page shows it. */
  async slotOwner(): Promise<number> {
    const shown = await this.page.waitForSelector('#shards li:has(.master):has(.you:not([hidden]))');
    return shown!.evaluate((line) => Number((line as HTMLElement).dataset['port']));
  }

  /** Presses "Fail over", which floods meanwhile. Resolves with what the page says when both are over. */
  async failOver(): Promise<string> {
    await this.page.click('#fail-over');
    await this.page.waitForFunction(
      () =>
        ['#fail-over', '#flood'].every(
          (button) => !document.querySelector<HTMLButtonElement>(button)!.disabled,
        ),
      { ...EAGERLY, timeout: 60_000 },
    );
    return this.page.$eval('#failover', (element) => element.textContent ?? '');
  }

  startFlood(): Promise<void> {
    return this.page.click('#flood');
  }

  /** Presses "kill -9" of the process that serves this tab when it has so many numbers of the flood; tells how many it had. */
  async killServerAfter(count: number): Promise<number> {
    const pressed = await this.page.waitForFunction(
      (count) => {
        const { flood, servedBy } = window.demo;
        if (flood.numbers.length < count || !servedBy) return undefined;
        document.querySelector<HTMLElement>(`tr[data-pid="${servedBy.pid}"] .kill`)!.click();
        return flood.numbers.length;
      },
      EAGERLY,
      count,
    );
    return (await pressed.jsonValue()) as number;
  }

  async waitForVerdict(state: string): Promise<void> {
    await this.page.waitForFunction(
      (state) =>
        window.demo.verdict.state === state &&
        document.querySelector<HTMLElement>('#verdict')!.dataset['state'] === state,
      EAGERLY,
      state,
    );
  }

  /** What this tab is called in the registry. */
  ownName(): Promise<string> {
    return this.page.$eval('#own-name', (element) => element.textContent ?? '');
  }

  /** Waits until the names of all who are here are as wanted. */
  async waitForPeople(
    wanted: (people: string[], names: string[]) => boolean,
    names: string[] = [],
  ): Promise<void> {
    const people = () =>
      this.page.$$eval('#people li', (items) => items.map((item) => item.textContent ?? ''));
    await until(async () => wanted(await people(), names), { timeout: 20_000, interval: 20 });
  }

  /** The line that tells of somebody's coming or going. */
  waitForChange(type: string, name: string): Promise<string> {
    return until(
      async () => {
        const lines = await this.page.$$eval(`#changes li[data-type="${type}"]`, (items) =>
          items.map((item) => item.textContent ?? ''),
        );
        return lines.find((line) => line.includes(name));
      },
      { timeout: 20_000, interval: 20 },
    );
  }

  close(): Promise<void> {
    return this.context.close();
  }
}
