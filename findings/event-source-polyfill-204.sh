#!/bin/sh
# event-source-polyfill 1.0.31 in Node goes on asking after a 204. WHATWG HTML 9.2.3 fails the connection for good at any
# status but 200, and names 204 as the way to stop a client.
. "$(dirname "$0")/run.sh"
run event-source-polyfill@1.0.31 'more than 2 requests within 8 s: true' <<'JS'
import library from 'event-source-polyfill';
import { report, sleep, startServer } from './server.mjs';

console.error = () => undefined;
const counted = await startServer((response) => response.writeHead(204).end());
new library.EventSourcePolyfill(counted.url);
await sleep(8_000);
report(`more than 2 requests within 8 s: ${counted.requests > 2}`);
JS
