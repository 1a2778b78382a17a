#!/bin/sh
# @falcondev-oss/expo-event-source-polyfill 2.0.0 takes `retry:` for an order to connect again after that time, also while its
# stream is open. So it has one more stream for each, and hands each event over once a stream. `close()` ends the latest
# alone. WHATWG HTML 9.2.6 sets the reconnection time and nothing else. Node's `fetch` stands in for that of `expo/fetch`.
. "$(dirname "$0")/run.sh"
run '--legacy-peer-deps @falcondev-oss/expo-event-source-polyfill@2.0.0' 'open streams: 3
copies of one event: 3
open streams after close(): 2' <<'JS'
import { mkdirSync, writeFileSync } from 'node:fs';
import { report, sleep, startServer, stream } from './server.mjs';

mkdirSync('node_modules/expo');
writeFileSync('node_modules/expo/package.json', '{ "type": "module", "exports": { "./fetch": "./fetch.js" } }');
writeFileSync('node_modules/expo/fetch.js', 'export const fetch = globalThis.fetch;');
const { ExpoEventSource } = await import('@falcondev-oss/expo-event-source-polyfill');

// The third answer has no `retry:`, so that it ends there.
const responses = new Set();
const { url } = await startServer((response, n) => {
  responses.add(stream(response, n < 3 ? 'retry: 500\n\n' : ': hello\n\n'));
  response.once('close', () => responses.delete(response));
});
const source = new ExpoEventSource(url);
let copies = 0;
source.addEventListener('message', () => copies++);
await sleep(5_000);
const open = responses.size;
for (const response of responses) response.write('data: x\n\n');
await sleep(1_000);
source.close();
await sleep(1_000);
report(`open streams: ${open}`, `copies of one event: ${copies}`, `open streams after close(): ${responses.size}`);
JS
