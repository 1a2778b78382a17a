import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import puppeteer, { type Browser, type LaunchOptions } from 'puppeteer-core';

export type BrowserName = 'chromium' | 'firefox';

interface Program {
  /** How people call it. */
  readonly title: string;
  /** The environment variable that names the binary. */
  readonly chosen: string;
  /** Names of the binary on the PATH. */
  readonly names: readonly string[];
  readonly apt: string;
  readonly launch: LaunchOptions;
}

// The names are also in scripts/setup.mjs, which installs what is missing and runs before there is a TypeScript compiler.
const PROGRAMS: Record<BrowserName, Program> = {
  chromium: {
    title: 'Chromium',
    chosen: 'CHROMIUM',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    apt: 'chromium',
    launch: {
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
  },
  firefox: {
    title: 'Firefox',
    chosen: 'FIREFOX',
    names: ['firefox-esr', 'firefox'],
    apt: 'firefox-esr',
    launch: {
      browser: 'firefox',
      headless: true,
      // Users have the back/forward cache, and WebDriver turns it off.
      extraPrefsFirefox: { 'fission.bfcacheInParent': true },
    },
  },
};

/** A browser of the test's own, without a window, with a profile that goes when the browser is stopped. */
export class TestBrowser {
  private constructor(
    readonly browser: Browser,
    private readonly profile: string,
  ) {}

  /**
   * Starts the browser that `CHROMIUM` or `FIREFOX` names, or else the first that is on the PATH.
   *
   * @param firefoxPrefs preferences of Firefox, besides those of all tests
   * @throws Error that says how to install the browser, where there is none
   */
  static async start(name: BrowserName, firefoxPrefs: Record<string, unknown> = {}): Promise<TestBrowser> {
    const { launch } = PROGRAMS[name];
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
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The path of the browser's binary. */
export function findBrowser(name: BrowserName, env: NodeJS.ProcessEnv = process.env): string {
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
