import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import puppeteer, { type Browser, type LaunchOptions, type Page } from 'puppeteer-core';
import { WebKit } from './webkit.js';

export type BrowserName = 'chromium' | 'firefox' | 'webkit';

/** Those that puppeteer drives. */
type PuppeteerName = Exclude<BrowserName, 'webkit'>;

/** The browsers of tests that each of them can pass. `TEST_BROWSERS=webkit` for others (`npm run test:webkit`). */
export const browserNames = (process.env['TEST_BROWSERS']?.split(',') ?? [
  'chromium',
  'firefox',
]) as BrowserName[];

/** What a page of each browser can do. */
export type TestPage = Pick<Page, 'goto' | 'reload' | 'evaluate' | 'close'>;

/** A browser, as far as tests of all browsers need it. */
export interface PageOpener<P extends TestPage = TestPage> {
  newPage(): Promise<P>;
  close(): Promise<void>;
  process(): { readonly pid?: number | undefined } | null;
}

interface Program {
  /** How people call it. */
  readonly title: string;
  /** The environment variable that names the binary. */
  readonly chosen: string;
  /** Names of the binary on the PATH. */
  readonly names: readonly string[];
  readonly apt: string;
}

// The names are also in scripts/setup.mjs, which installs what is missing and runs before there is a TypeScript compiler.
const PROGRAMS = {
  chromium: {
    title: 'Chromium',
    chosen: 'CHROMIUM',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    apt: 'chromium',
  },
  firefox: {
    title: 'Firefox',
    chosen: 'FIREFOX',
    names: ['firefox-esr', 'firefox'],
    apt: 'firefox-esr',
  },
  webkit: {
    title: "WebKit's driver",
    chosen: 'WEBKIT_DRIVER',
    names: ['WebKitWebDriver'],
    apt: 'webkit2gtk-driver',
  },
  screen: {
    title: 'a screen for WebKit',
    chosen: 'XVFB',
    names: ['Xvfb'],
    apt: 'xvfb',
  },
} satisfies Record<string, Program>;

const LAUNCH: Record<PuppeteerName, LaunchOptions> = {
  chromium: {
    args: [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic'],
      ...[
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
      // A test watches several tabs, and all but one of them are in the background.
      ...['--disable-background-timer-throttling', '--disable-backgrounding-occluded-windows'],
      '--disable-renderer-backgrounding',
    ],
  },
  firefox: {
    browser: 'firefox',
    headless: true,
    // Users have the back/forward cache, and WebDriver turns it off.
    extraPrefsFirefox: { 'fission.bfcacheInParent': true },
  },
};

/** A browser of the test's own, without a window, with a profile that goes when the browser is stopped. */
export class TestBrowser<B extends PageOpener = Browser> {
  private constructor(
    readonly browser: B,
    private readonly profile?: string,
  ) {}

  /**
   * Starts the browser that `CHROMIUM`, `FIREFOX` or `WEBKIT_DRIVER` names, or else the first that is on the PATH.
   *
   * @param firefoxPrefs preferences of Firefox, besides those of all tests
   * @throws Error that says how to install the browser, where there is none
   */
  static async start(name: PuppeteerName, firefoxPrefs?: Record<string, unknown>): Promise<TestBrowser>;
  static async start(
    name: BrowserName,
    firefoxPrefs?: Record<string, unknown>,
  ): Promise<TestBrowser<PageOpener>>;
  static async start(
    name: BrowserName,
    firefoxPrefs: Record<string, unknown> = {},
  ): Promise<TestBrowser<PageOpener>> {
    if (name === 'webkit')
      return new TestBrowser(
        await WebKit.start({ driver: findBrowser('webkit'), screen: findBrowser('screen') }),
      );
    const launch = LAUNCH[name];
    const executablePath = findBrowser(name);
    const profile = await mkdtemp(join(tmpdir(), `test-${name}-`));
    const extraPrefsFirefox = { ...launch.extraPrefsFirefox, ...firefoxPrefs };
    const browser = await puppeteer.launch({
      ...launch,
      extraPrefsFirefox,
      executablePath,
      userDataDir: profile,
    });
    return new TestBrowser(browser, profile);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    if (this.profile) await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The path of a program. */
export function findBrowser(name: keyof typeof PROGRAMS, env: NodeJS.ProcessEnv = process.env): string {
  const { title, chosen, names, apt } = PROGRAMS[name];
  const given = env[chosen];
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const candidates = given ? [given] : names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = candidates.find(isExecutable);
  if (found) return found;
  const problem = given
    ? `${chosen} is "${given}", which cannot be executed`
    : `none of ${names.join(', ')} is on the PATH`;
  throw new Error(
    `This test needs ${title}: ${problem}. Install it (apt-get install ${apt}), or set ${chosen} to the path of the binary.`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
