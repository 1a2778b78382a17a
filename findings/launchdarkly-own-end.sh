#!/bin/sh
# launchdarkly-eventsource 2.2.0 emits an `end` event of its own when a server ends a stream. A server's event of the type
# `end` comes to the same listener. Only `data` tells them apart. (WHATWG HTML 9.2.3 announces a lost connection by `error`.)
. "$(dirname "$0")/run.sh"
run launchdarkly-eventsource@2.2.0 'end, data: undefined
end, data: "bye"' <<'JS'
import library from 'launchdarkly-eventsource';
import { report, startServer, stream } from './server.mjs';

const { url } = await startServer((response, n) => {
  if (n === 1) stream(response, 'retry: 10\n\ndata: x\n\n').end();
  else stream(response, 'event: end\ndata: bye\n\n');
});
const seen = [];
const source = new library.EventSource(url);
source.addEventListener('end', ({ data }) => {
  seen.push(`end, data: ${JSON.stringify(data)}`);
  if (data !== undefined) report(...seen);
});
JS
