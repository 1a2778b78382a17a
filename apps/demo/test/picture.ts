import { randomUUID } from 'node:crypto';
import { until } from '@nestjs-sse-redis/testing';
import type { Browser } from 'puppeteer-core';
import { DemoPage } from './demo-page.js';

/** The picture in the README: a tab that is whole although its process was killed in the middle of a flood. Tells its size. */
export async function takePicture(browser: Browser, url: string, path: `${string}.png`): Promise<number> {
  // Repeated like the page's own posts: one that goes to the killed process gets no answer.
  const post = (path: string, body: object) => {
    const key = randomUUID();
    return until(async () => {
      const response = await fetch(`${url}/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...body, key }),
        // One that was on its way to a process that was killed may never be answered.
        signal: AbortSignal.timeout(3_000),
      }).catch(() => undefined);
      return response?.ok;
    });
  };
  const tab = await DemoPage.open(browser, `${url}/?pace=5`);
  const { page } = tab;
  await page.setViewport({ width: 1280, height: 1560, deviceScaleFactor: 1.5 });
  // Some more, so that the processes have something to do.
  await Promise.all(Array.from({ length: 6 }, () => DemoPage.open(browser, url)));
  await page.bringToFront();
  await post('news', { headline: 'Three processes, one port, one story' });
  await post('chat', { name: 'Ada', text: 'Which process are you on?' });
  await post('chat', { name: 'Grace', text: 'No idea. Kill it, I shall not notice.' });
  await page.click('#ask-form button');
  await tab.endOfAnswer('done');
  await tab.startFlood();
  await tab.killServerAfter(420);
  await post('chat', { name: 'Ada', text: 'Done. Anything missing?' });
  await tab.waitForVerdict('whole');
  await post('chat', { name: 'Grace', text: 'Nothing.' });
  await page.waitForFunction(
    () =>
      document.querySelectorAll('.state.up').length === 3 &&
      document.querySelectorAll('#chat li').length === 4 &&
      !document.querySelector<HTMLButtonElement>('#flood')!.disabled,
  );
  return (await page.screenshot({ path })).length;
}
