#!/bin/sh
# @vueuse/core 15.0.0: `useEventSource()` with `autoReconnect` forgets its place where a return was refused. It makes a new EventSource of the
# same URL, which has no last event id, and so skips what was published meanwhile. Its ref `lastEventId` still has the id.
. "$(dirname "$0")/run.sh"
run '@vueuse/core@15.0.0 vue@3.5.22 eventsource@4.1.1' 'Last-Event-ID of its requests: none, 1 (503), none
lastEventId: 1' <<'JS'
import { effectScope } from 'vue';
import { EventSource } from 'eventsource';
import { report, startServer, stream } from './server.mjs';

// What VueUse takes for a browser.
Object.assign(globalThis, { window: globalThis, document: new EventTarget(), EventSource });
const { useEventSource } = await import('@vueuse/core');

const asked = [];
let returned;
const back = new Promise((resolve) => (returned = resolve));
const { url } = await startServer((response, n, request) => {
  asked.push(request.headers['last-event-id'] ?? 'none');
  if (n === 1) return stream(response, 'retry: 50\nid: 1\ndata: one\n\n').end();
  if (n === 2) return response.writeHead(503).end();
  stream(response, '\n');
  returned();
});
const source = effectScope().run(() => useEventSource(url, [], { autoReconnect: { delay: 50 } }));
await back;
asked[1] += ' (503)';
report(`Last-Event-ID of its requests: ${asked.join(', ')}`, `lastEventId: ${source.lastEventId.value}`);
JS
