#!/bin/sh
# @vueuse/core 15.0.0: `useEventSource()` with `autoReconnect: { retries: 3 }` makes two attempts and calls `onFailed()`. The refusals of a
# component's whole life count, also where streams were open between them: here an answer of 503 follows each of three good streams, and each
# first attempt behind it succeeds. Its documentation says of `retries`: "Maximum retry times". `useWebSocket()` begins anew when it opens.
. "$(dirname "$0")/run.sh"
run '@vueuse/core@15.0.0 vue@3.5.22 eventsource@4.1.1' 'nobody answers: 3 requests, then onFailed
good streams between: 3 streams, then onFailed' <<'JS'
import { effectScope } from 'vue';
import { EventSource } from 'eventsource';
import { report, startServer, stream } from './server.mjs';

// What VueUse takes for a browser.
Object.assign(globalThis, { window: globalThis, document: new EventTarget(), EventSource });
const { useEventSource } = await import('@vueuse/core');

/** Resolves when the composable has given up. */
const giveUp = (url) =>
  new Promise((onFailed) => {
    const autoReconnect = { retries: 3, delay: 50, onFailed };
    effectScope().run(() => useEventSource(url, [], { autoReconnect }));
  });

const away = await startServer((response) => response.writeHead(503).end());
await giveUp(away.url);

let streams = 0;
let isAway = false;
const busy = await startServer((response) => {
  if (isAway) response.writeHead(503).end();
  else stream(response, `retry: 50\nid: ${++streams}\ndata: ${streams}\n\n`).end();
  isAway = !isAway;
});
await giveUp(busy.url);
report(
  `nobody answers: ${away.requests} requests, then onFailed`,
  `good streams between: ${streams} streams, then onFailed`,
);
JS
