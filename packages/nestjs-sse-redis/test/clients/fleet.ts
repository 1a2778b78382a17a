import { AppProcess } from '@nestjs-sse-redis/testing';
import { TestBrowser, type PageOpener } from '@nestjs-sse-redis/testing/browser';
import { BrowserClient } from './browser-client.js';
import { BROWSERS } from './client-names.js';
import type { ClientState, StreamRequest } from './client-state.js';
import type { LibrariesRequest } from './libraries.process.js';

/** The browsers and the process of the libraries. They stay up over all scenarios: a browser takes seconds to start. */
export class Shipyard {
  static async start(): Promise<Shipyard> {
    const [libraries, ...browsers] = await Promise.all([
      AppProcess.start(new URL('./libraries.process.ts', import.meta.url)),
      ...BROWSERS.map(({ name }) => TestBrowser.start(name)),
    ]);
    return new Shipyard(browsers, libraries);
  }

  private constructor(
    /** In the order of `BROWSERS`. */
    private readonly browsers: readonly TestBrowser<PageOpener>[],
    private readonly libraries: AppProcess,
  ) {}

  /** Opens the stream with every client at once. */
  async launch(stream: StreamRequest): Promise<Fleet> {
    const [, ...clients] = await Promise.all([
      this.ask({ kind: 'open', stream }),
      ...BROWSERS.map(({ title }, i) => BrowserClient.open(this.browsers[i]!.browser, title, stream)),
    ]);
    return new Fleet(stream.fleet, clients, (request) => this.ask(request));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.browsers.map((browser) => browser.stop()), this.libraries.kill()]);
  }

  private ask<Reply>(request: LibrariesRequest): Promise<Reply> {
    return this.libraries.request<Reply>(request);
  }
}

/** One client of each kind, all on the same channels. */
export class Fleet {
  constructor(
    readonly name: string,
    private readonly browsers: readonly BrowserClient[],
    private readonly ask: <Reply>(request: LibrariesRequest) => Promise<Reply>,
  ) {}

  async states(): Promise<Map<string, ClientState>> {
    const [ofLibraries, ...ofBrowsers] = await Promise.all([
      this.ask<[string, ClientState][]>({ kind: 'states', fleet: this.name }),
      ...this.browsers.map(async (client) => [client.name, await client.state()] as const),
    ]);
    return new Map([...ofBrowsers, ...ofLibraries]);
  }

  async close(): Promise<void> {
    await Promise.all([
      this.ask({ kind: 'close', fleet: this.name }),
      ...this.browsers.map((client) => client.close()),
    ]);
  }
}
