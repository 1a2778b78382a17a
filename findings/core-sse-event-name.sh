#!/bin/sh
# @azure/core-sse 2.4.0 gives an event the name of the block before it, if that block had no data. A server may send `event: ping`
# alone as a keep-alive. The next plain event then arrives as `ping`, and a program that skips pings loses it. WHATWG HTML 9.2.6
# empties the event type buffer at the end of each block, whether it dispatches or not.
. "$(dirname "$0")/run.sh"
run '@azure/core-sse@2.4.0 eventsource-parser@3.1.1' 'eventsource-parser: message "one", message "two"
@azure/core-sse: message "one", ping "two"' <<'JS'
import { createSseStream } from '@azure/core-sse';
import { createParser } from 'eventsource-parser';
import { report } from './server.mjs';

const body = 'data: one\n\nevent: ping\n\ndata: two\n\n';
const line = ({ event, data }) => `${event || 'message'} ${JSON.stringify(data)}`;
const others = [];
createParser({ onEvent: (event) => others.push(line(event)) }).feed(body);
const events = [];
for await (const event of createSseStream(new Blob([body]).stream())) events.push(line(event));
report(`eventsource-parser: ${others.join(', ')}`, `@azure/core-sse: ${events.join(', ')}`);
JS
