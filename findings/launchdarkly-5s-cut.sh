#!/bin/sh
# launchdarkly-eventsource 2.2.0 on Node 20 and later ends a stream after 5 s of silence, with "received no data in
# undefinedms". It has the time-out of Node's default agent (5 s since Node 20). `readTimeoutMillis` replaces it.
. "$(dirname "$0")/run.sh"
run launchdarkly-eventsource@2.2.0 'without readTimeoutMillis: 2 requests, Read timeout, received no data in undefinedms, assuming connection is dead
with readTimeoutMillis: 1 request' <<'JS'
import library from 'launchdarkly-eventsource';
import { report, sleep, startServer, stream } from './server.mjs';

const serve = (response) => stream(response, 'retry: 60\n\ndata: x\n\n');
const [bare, set] = [await startServer(serve), await startServer(serve)];
let message = '';
new library.EventSource(bare.url).addEventListener('error', (error) => (message ||= error.message));
new library.EventSource(set.url, { readTimeoutMillis: 60_000 }).addEventListener('error', () => undefined);
await sleep(7_500);
report(
  `without readTimeoutMillis: ${bare.requests} requests, ${message}`,
  `with readTimeoutMillis: ${set.requests} request`,
);
JS
