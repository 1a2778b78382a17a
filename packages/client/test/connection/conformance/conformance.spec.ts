import { browserNames, TestBrowser, type BrowserName } from '@nestjs-sse-redis/testing/browser';
import { bundle } from '../../fixtures/client-page.js';
import type { RawServer } from '../../fixtures/raw-server.js';
import { startCaseServer } from './case-server.js';
import { cases, runCases } from './run-cases.js';

declare global {
  interface Window {
    conformance: { runCases: typeof runCases };
  }
}

/**
 * What WebKitGTK 2.50 makes of some cases: its fetch takes each byte of a header for a character, and sends it as UTF-8. Ids of the hub
 * are ASCII.
 */
const WEBKIT_DIFFERS: Record<string, unknown> = {
  '9.2.3 reestablish: Last-Event-ID is "ä€😀", in UTF-8': [
    'first',
    `came with ${Buffer.from('ä€😀').toString('latin1')}`,
  ],
};

const ENTRY = 'packages/client/test/connection/conformance/run-cases.ts';

async function runInBrowser(name: BrowserName, origin: string): Promise<unknown[]> {
  const browser = await TestBrowser.start(name);
  try {
    const page = await browser.browser.newPage();
    await page.goto(`${origin}/page`);
    await page.evaluate(`${await bundle(ENTRY, 'conformance')};window.conformance = conformance`);
    return await page.evaluate((url) => window.conformance.runCases(url), origin);
  } finally {
    await browser.stop();
  }
}

describe.each(['node', ...browserNames] as const)('the HTML standard, in %s', (place) => {
  let server: RawServer;
  let results: unknown[];

  beforeAll(async () => {
    server = await startCaseServer();
    results = place === 'node' ? await runCases(server.url) : await runInBrowser(place, server.url);
  });
  afterAll(() => server.stop());

  it.each(cases.map(({ name, expected }, i) => [name, expected, i] as const))('%s', (title, expected, i) => {
    const differs = place === 'webkit' ? WEBKIT_DIFFERS[title] : undefined;
    expect(results[i]).toEqual(differs ?? expected);
  });
});
