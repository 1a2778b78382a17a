import type { JSHandle, Page } from 'puppeteer-core';
import type { Browser } from 'puppeteer-core';
import { READY_STATES, urlOf, type ClientState, type StreamRequest } from './client-state.js';
import { TYPES, watchEventSource, type WatchedSource } from './watch-event-source.js';

declare global {
  interface Window {
    watchEventSource: typeof watchEventSource;
  }
}

/** The EventSource of a browser, in a page on the origin of its stream. */
export class BrowserClient {
  static async open(browser: Browser, name: string, stream: StreamRequest): Promise<BrowserClient> {
    const page = await browser.newPage();
    await page.goto(`${stream.origin}/page`);
    await page.addScriptTag({ content: `window.watchEventSource = ${watchEventSource.toString()}` });
    const handle = await page.evaluateHandle(
      (url, types, closesOnEnd) => window.watchEventSource(new EventSource(url), types, closesOnEnd),
      urlOf(stream, name),
      TYPES,
      stream.closeOnEnd.includes(name),
    );
    return new BrowserClient(name, page, handle);
  }

  private constructor(
    readonly name: string,
    private readonly page: Page,
    private readonly handle: JSHandle<WatchedSource>,
  ) {}

  async state(): Promise<ClientState> {
    const { seen, readyState } = await this.handle.evaluate(({ source, seen }) => ({
      seen,
      readyState: source.readyState,
    }));
    return { seen, readyState: READY_STATES[readyState]! };
  }

  close(): Promise<void> {
    return this.page.close();
  }
}
