#!/bin/sh
# event-source-plus 0.1.15 ignores `retry:` and returns at once when a server ends a stream. WHATWG HTML 9.2.3 waits for
# the reconnection time, which is 10 s here.
. "$(dirname "$0")/run.sh"
run event-source-plus@0.1.15 'more than 5 requests within 2 s: true' <<'JS'
import { EventSourcePlus } from 'event-source-plus';
import { report, sleep, startServer, stream } from './server.mjs';

// From the seventh request on the server does not answer, so that the client does not spin.
const counted = await startServer((response, n) => {
  if (n > 6) return;
  stream(response, 'retry: 10000\ndata: x\n\n').end();
});
new EventSourcePlus(counted.url).listen({ onMessage: () => undefined });
await sleep(2_000);
report(`more than 5 requests within 2 s: ${counted.requests > 5}`);
JS
