import { AppProcess } from '@nestjs-sse-redis/testing';
import { TestBrowser } from '@nestjs-sse-redis/testing/browser';
import { BrowserClient } from './browser-client.js';
import type { ClientState, StreamRequest } from './client-state.js';
import type { LibrariesRequest } from './libraries.process.js';

/** The browsers and the process of the libraries. They stay up over all scenarios: a browser takes seconds to start. */
export class Shipyard {
  static async start(): Promise<Shipyard> {
    const [chromium, firefox, libraries] = await Promise.all([
      TestBrowser.start('chromium'),
      TestBrowser.start('firefox'),
      AppProcess.start(new URL('./libraries.process.ts', import.meta.url)),
    ]);
    return new Shipyard(chromium, firefox, libraries);
  }

  private constructor(
    private readonly chromium: TestBrowser,
    private readonly firefox: TestBrowser,
    private readonly libraries: AppProcess,
  ) {}

  /** Opens the stream with every client at once. */
  async launch(stream: StreamRequest): Promise<Fleet> {
    const [chromium, firefox] = await Promise.all([
      BrowserClient.open(this.chromium.browser, 'Chromium', stream),
      BrowserClient.open(this.firefox.browser, 'Firefox', stream),
      this.ask({ kind: 'open', stream }),
    ]);
    return new Fleet(stream.fleet, [chromium, firefox], (request) => this.ask(request));
  }

  async stop(): Promise<void> {
    await Promise.all([this.chromium.stop(), this.firefox.stop(), this.libraries.kill()]);
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
