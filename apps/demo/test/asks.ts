import type { Page } from 'puppeteer-core';

declare global {
  interface Window {
    asks: {
      /** What becomes of a question; undefined: it is answered. */
      fate: 'held' | 'failed' | undefined;
      failed: number;
      held: (() => void)[];
    };
  }
}

/** What becomes of a page's questions who is here. */
export class Asks {
  private constructor(private readonly page: Page) {}

  static async of(page: Page): Promise<Asks> {
    await page.evaluate(() => {
      window.asks = { fate: undefined, failed: 0, held: [] };
      const real = window.fetch;
      window.fetch = (input, init) => {
        const { asks } = window;
        if (!asks.fate || !/people/.test(input as string)) return real(input, init);
        if (asks.fate === 'failed') {
          asks.failed++;
          return Promise.reject(new TypeError('no process answers'));
        }
        return new Promise((resolve) => {
          asks.held.push(() => resolve(Response.json({ count: 0, people: [] })));
        });
      };
    });
    return new Asks(page);
  }

  /** Of those that it asks from now on. */
  async set(fate: 'held' | 'failed' | undefined): Promise<void> {
    await this.page.evaluate((fate) => {
      window.asks.fate = fate;
      window.asks.failed = 0;
    }, fate);
  }

  /** One at least, since `set()`. */
  async oneIs(fate: 'held' | 'failed'): Promise<void> {
    await this.page.waitForFunction(
      (fate) => (fate === 'held' ? window.asks.held.length : window.asks.failed) > 0,
      { polling: 10, timeout: 60_000 },
      fate,
    );
  }

  /** Answers those that were held with nobody. The page has seen it when this resolves. */
  async answerHeld(): Promise<void> {
    await this.page.evaluate(async () => {
      window.asks.held.forEach((answer) => answer());
      await new Promise((resolve) => setTimeout(resolve));
    });
  }
}
