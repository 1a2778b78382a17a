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
  role?: string;
  answer: { state: string; text: string; verdict: string };
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
const EAGERLY = { polling: 10, timeout: 40_000 };

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

  /** Another tab of the same browser. */
  async openTab(query = ''): Promise<DemoPage> {
    const page = await this.context.newPage();
    await page.goto(new URL(`/${query}`, this.page.url()).href);
    const tab = new DemoPage(this.context, page);
    await tab.served();
    return tab;
  }

  /** Where the stream is that the tabs share: a tab of them, or `alone`. */
  async role(): Promise<string> {
    await this.page.waitForFunction(() => window.demo.role && window.demo.servedBy, EAGERLY);
    return (await this.state()).role as string;
  }

  /** Waits until so many tabs are shown as sharing one stream. Tells which. */
  tabs(count: number): Promise<string[]> {
    return until(
      async () => {
        const roles = await this.page.$$eval('#tabs li', (items) =>
          items.map((item) => item.dataset['role'] ?? ''),
        );
        return roles.length === count && roles;
      },
      { timeout: 60_000, interval: 20 },
    );
  }

  /** Clicks in the page: `page.click()` needs the tab in front. */
  press(selector: string): Promise<void> {
    return this.page.$eval(selector, (element) => (element as HTMLElement).click());
  }

  /** Asks the mock model, as soon as no answer is going on here. */
  async ask(question: string): Promise<void> {
    await this.page.waitForFunction(
      (question) => {
        const form = document.querySelector<HTMLFormElement>('#ask-form')!;
        const button = form.querySelector('button')!;
        if (button.disabled) return false;
        form.querySelector('input')!.value = question;
        button.click();
        return true;
      },
      EAGERLY,
      question,
    );
  }

  /** Waits until the answer to a question has so many characters: a tab shows the last one when it is opened. */
  async waitForAnswer(question: string, length: number): Promise<void> {
    await this.page.waitForFunction(
      (question, length) =>
        document.querySelector('#ask-question')!.textContent === question &&
        window.demo.answer.text.length >= length,
      EAGERLY,
      question,
      length,
    );
  }

  /** Waits until the answer of the mock model is over. Resolves with what the page says of it. */
  async endOfAnswer(state: string): Promise<{ text: string; verdict: string }> {
    await this.page.waitForFunction(
      (state) =>
        window.demo.answer.state === state &&
        document.querySelector<HTMLElement>('#ask-verdict')!.dataset['state'] === state,
      EAGERLY,
      state,
    );
    const { text } = (await this.state()).answer;
    return { text, verdict: await this.page.$eval('#ask-verdict', (line) => line.textContent ?? '') };
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
      const { ids, flood, state, reconnects, servedBy, served, counts, verdict, role, answer } = window.demo;
      return { ids, flood, state, reconnects, servedBy, served, counts, verdict, role, answer };
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
    await until(async () => wanted(await this.people(), names), { timeout: 60_000, interval: 20 });
  }

  people(): Promise<string[]> {
    return this.page.$$eval('#people li', (items) => items.map((item) => item.textContent ?? ''));
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
      { timeout: 60_000, interval: 20 },
    );
  }

  closeTab(): Promise<void> {
    return this.page.close();
  }

  close(): Promise<void> {
    return this.context.close();
  }
}
