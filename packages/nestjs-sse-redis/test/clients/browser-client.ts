import type { PageOpener, TestPage } from '@nestjs-sse-redis/testing/browser';
import { READY_STATES, urlOf, type ClientState, type StreamRequest } from './client-state.js';
import { TYPES, watchEventSource, type WatchedSource } from './watch-event-source.js';

declare global {
  interface Window {
    watchEventSource: typeof watchEventSource;
    watched: WatchedSource;
  }
}

/** The EventSource of a browser, in a page on the origin of its stream. */
export class BrowserClient {
  static async open(browser: PageOpener, name: string, stream: StreamRequest): Promise<BrowserClient> {
    const page = await browser.newPage();
    await page.goto(`${stream.origin}/page`);
    await page.evaluate(`window.watchEventSource = ${watchEventSource.toString()};true`);
    await page.evaluate(
      (url, types, closesOnEnd) => {
        window.watched = window.watchEventSource(new EventSource(url), types, closesOnEnd);
      },
      urlOf(stream, name),
      TYPES,
      stream.closeOnEnd.includes(name),
    );
    return new BrowserClient(name, page);
  }

  private constructor(
    readonly name: string,
    private readonly page: TestPage,
  ) {}

  async state(): Promise<ClientState> {
    const { seen, readyState } = await this.page.evaluate(() => {
      const { source, seen } = window.watched;
      return { seen, readyState: source.readyState };
    });
    return { seen, readyState: READY_STATES[readyState]! };
  }

  close(): Promise<void> {
    return this.page.close();
  }
}
