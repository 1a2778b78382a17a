#!/bin/sh
# sse-z 0.3.0 opens its stream anew each second for good, once one keep-alive was late. Once a second it compares the age of the last
# keep-alive with `intervalMs`, and a new stream does not reset that age. The README asks only for an `intervalMs` above the server's
# interval. Here `intervalMs` is 4 s, a stream has a keep-alive every 2 s, and the server pauses once for 6 s. After that no stream
# lives to its first keep-alive. undici stands in for the browser's EventSource.
. "$(dirname "$0")/run.sh"
run 'sse-z@0.3.0 undici@7.30.2' 'streams before the pause: 1
more than 7 opened in the 10 s after it: true' <<'JS'
import library from 'sse-z';
import { EventSource } from 'undici';
import { report, sleep, startServer, stream } from './server.mjs';

globalThis.EventSource = EventSource;
let paused = false;
const counted = await startServer((response) => {
  stream(response, 'data: x\n\n');
  const timer = setInterval(() => paused || response.write('event: keepAlive\ndata: 1\n\n'), 2_000);
  response.once('close', () => clearInterval(timer));
});
const { Subscription } = library;
new Subscription({ url: counted.url, keepAlive: { eventType: 'keepAlive', intervalMs: 4_000 }, onNext: () => undefined });
await sleep(9_000);
const before = counted.requests;
paused = true;
await sleep(6_000);
paused = false;
const after = counted.requests;
await sleep(10_000);
report(`streams before the pause: ${before}`, `more than 7 opened in the 10 s after it: ${counted.requests - after > 7}`);
JS
