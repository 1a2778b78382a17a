import { TestBrowser, type BrowserName } from '@nestjs-sse-redis/testing/browser';
import { bundle } from '../../fixtures/client-page.js';
import type { RawServer } from '../../fixtures/raw-server.js';
import { startCaseServer } from './case-server.js';
import { cases, runCases } from './run-cases.js';

declare global {
  interface Window {
    conformance: { runCases: typeof runCases };
  }
}

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

describe.each(['node', 'chromium', 'firefox'] as const)('the HTML standard, in %s', (place) => {
  let server: RawServer;
  let results: unknown[];

  beforeAll(async () => {
    server = await startCaseServer();
    results = place === 'node' ? await runCases(server.url) : await runInBrowser(place, server.url);
  });
  afterAll(() => server.stop());

  it.each(cases.map(({ name, expected }, i) => [name, expected, i] as const))('%s', (_, expected, i) => {
    expect(results[i]).toEqual(expected);
  });
});
