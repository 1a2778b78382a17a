#!/bin/sh
# Firefox 153 ESR ends the script of a tab that is closed in the middle of a function, and runs no `finally`. The page lives on for a
# moment: its microtasks, messages of other tabs and `pagehide` find what the function has left half done, and may send it.
# Firefox has to be on the PATH, as `firefox-esr` or `firefox`.
. "$(dirname "$0")/run.sh"
run 'puppeteer-core@24.43.1' 'firefox/153: behind the end of the script: a microtask, a message of another tab, pagehide; finally: not run' <<'JS'
import { execFileSync } from 'node:child_process';
import puppeteer from 'puppeteer-core';
import { report, startServer } from './server.mjs';

const page = await startServer((response) => {
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end('<!doctype html><title>tab</title>');
});
const executablePath = execFileSync('sh', ['-c', 'command -v firefox-esr || command -v firefox'], { encoding: 'utf8' }).trim();
const browser = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true });
const [version] = (await browser.version()).split('.');

/** Hears what the other tab says, and sends it messages all the time. */
const witness = await browser.newPage();
await witness.goto(page.url);
await witness.evaluate(() => {
  window.heard = [];
  const channel = new BroadcastChannel('tabs');
  channel.onmessage = ({ data }) => data !== 'ping' && window.heard.push(data);
  setInterval(() => channel.postMessage('ping'), 2);
});

const closed = await browser.newPage();
await closed.goto(page.url);
await closed.evaluate(() => {
  const channel = new BroadcastChannel('tabs');
  let isHalfDone = false;
  const say = (what) => isHalfDone && channel.postMessage(what);
  channel.onmessage = () => say('a message of another tab');
  addEventListener('pagehide', () => say('pagehide'));
  setTimeout(() => {
    channel.postMessage('begins');
    queueMicrotask(() => say('a microtask'));
    isHalfDone = true;
    try {
      for (;;);
    } finally {
      channel.postMessage('finally');
    }
  });
});

const heard = () => witness.evaluate(() => [...new Set(window.heard)]);
while (!(await heard()).includes('begins'));
await closed.close();
while (!(await heard()).includes('pagehide'));
const all = await heard();
await browser.close();
page.server.close();
const behind = all.filter((what) => what !== 'begins' && what !== 'finally').join(', ');
report(`${version}: behind the end of the script: ${behind}; finally: ${all.includes('finally') ? 'run' : 'not run'}`);
JS
