#!/bin/sh
# @sentool/fetch-event-source 0.6.0 makes a number of each id of digits only, and so hands over another id than the one that was
# sent. A long one (a snowflake id, say) is rounded, and leading zeroes fall off. A client that returns with it in `Last-Event-ID`
# asks for a place that does not exist. WHATWG HTML 9.2.6 has an id as a string. The README says nothing of numbers. Its option
# `parseJson`, for the data, is off here.
. "$(dirname "$0")/run.sh"
run '@sentool/fetch-event-source@0.6.0 eventsource-parser@3.1.1' 'sent: 1234567890123456789, 0042, 2026-11
eventsource-parser: "1234567890123456789", "0042", "2026-11"
@sentool/fetch-event-source: 1234567890123456800, 42, "2026-11"' <<'JS'
import fetchEventSourcePackage from '@sentool/fetch-event-source';
import { createParser } from 'eventsource-parser';
import { report, startServer, stream } from './server.mjs';

const { fetchEventSource } = fetchEventSourcePackage;
const sent = ['1234567890123456789', '0042', '2026-11'];
const body = sent.map((id) => `id: ${id}\ndata: x\n\n`).join('');
const { url } = await startServer((response) => stream(response, body).end());
const ids = [];
await fetchEventSource(url, { parseJson: false, onmessage: ({ id }) => ids.push(JSON.stringify(id)) });
const others = [];
createParser({ onEvent: ({ id }) => others.push(JSON.stringify(id)) }).feed(body);
report(
  `sent: ${sent.join(', ')}`,
  `eventsource-parser: ${others.join(', ')}`,
  `@sentool/fetch-event-source: ${ids.join(', ')}`,
);
JS
