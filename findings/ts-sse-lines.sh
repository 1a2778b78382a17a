#!/bin/sh
# ts-sse 0.0.6 sends data of several lines as several events. It ends each data line with an empty line, so the client gets one
# event a line. Only the first has the name, and the rest come as `message`. Data of one line, and objects, are right. WHATWG HTML
# 9.2.6 joins the data lines of a block with a line feed, and dispatches at the empty line. The package says it adopts that
# standard.
. "$(dirname "$0")/run.sh"
run 'ts-sse@0.0.6 eventsource-parser@3.1.1' 'sent: "event: note\nid: 7\ndata: one\n\ndata: two\n\ndata: three\n\n"
received: 7 note one
received: 7 message two
received: 7 message three' <<'JS'
import { createParser } from 'eventsource-parser';
import tsSse from 'ts-sse';
import { report } from './server.mjs';

const { readable, writable } = new TransformStream();
const text = new Response(readable).text();
const writer = tsSse.getSSEWriter(writable.getWriter(), new TextEncoder());
writer.complete({ id: '7', event: 'note', data: 'one\ntwo\nthree' });
const sent = await text;
let id;
const received = [];
createParser({
  onEvent(event) {
    id = event.id ?? id; // the id of an event holds for those that follow it
    received.push(`received: ${id} ${event.event ?? 'message'} ${event.data}`);
  },
}).feed(sent);
report(`sent: ${JSON.stringify(sent)}`, ...received);
JS
