#!/bin/sh
# msw 2.15.0: `server.connect()` in a handler of `sse()` asks the actual server with headers of its own. The server gets neither the
# `Last-Event-ID` of a client that returns nor its `Authorization`, and cannot resume. A space at the beginning of data is lost on the
# way back. Requests of `passthrough()` keep their headers.
. "$(dirname "$0")/run.sh"
run 'msw@2.15.0 eventsource@4.1.1' 'without msw: Last-Event-ID 7, Authorization Bearer x; data " indented"
with msw: Last-Event-ID undefined, Authorization undefined; data "indented"' <<'JS'
import { EventSource } from 'eventsource';
import { report, startServer, stream } from './server.mjs';

globalThis.EventSource = EventSource; // msw asks for one
const { sse } = await import('msw');
const { setupServer } = await import('msw/node');

let asked;
const { url } = await startServer((response, _n, request) => {
  asked = request.headers;
  stream(response, 'id: 8\ndata:  indented\n\n');
});

/** What the server is asked by a client that returns, and the data that the client gets. */
async function returnToServer(name) {
  const headers = { accept: 'text/event-stream', 'last-event-id': '7', authorization: 'Bearer x' };
  const { body } = await fetch(url, { headers });
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) if ((text += decoder.decode(chunk)).endsWith('\n\n')) break;
  const data = /^data: ?(.*)$/m.exec(text)[1];
  return `${name}: Last-Event-ID ${asked['last-event-id']}, Authorization ${asked.authorization}; data ${JSON.stringify(data)}`;
}

const real = await returnToServer('without msw');
setupServer(sse(url, ({ server }) => void server.connect())).listen();
report(real, await returnToServer('with msw'));
JS
