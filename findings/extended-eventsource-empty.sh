#!/bin/sh
# extended-eventsource 2.1.0 hands an empty message to the application for a block that has only `retry:`, and for one that
# has only a comment. WHATWG HTML 9.2.6 dispatches no event where the data buffer is empty.
. "$(dirname "$0")/run.sh"
run extended-eventsource@2.1.0 'messages: ["","","x"]' <<'JS'
import { EventSource } from 'extended-eventsource';
import { report, startServer, stream } from './server.mjs';

const { url } = await startServer((response) => stream(response, 'retry: 1000\n\n: a comment\n\ndata: x\n\n'));
const seen = [];
new EventSource(url).addEventListener('message', ({ data }) => {
  seen.push(data);
  if (data === 'x') report(`messages: ${JSON.stringify(seen)}`);
});
JS
