#!/bin/sh
# express-sse 1.0.0 sends its initial content to all clients each time one more connects, not only to the new one. A page that
# adds what it is sent shows the initial entries twice when a second page opens. They come once more for each page after it. The
# copies have new ids, so a client cannot tell them. README and code call the array initial content, for new connections. Here a
# client that stays counts what it gets while two others come.
. "$(dirname "$0")/run.sh"
run 'express-sse@1.0.0 express@5.2.1 eventsource-parser@3.1.1' 'alone: 0 old, 1 older
after a second client: 0 old, 1 older, 2 old, 3 older
after a third client: 0 old, 1 older, 2 old, 3 older, 4 old, 5 older' <<'JS'
import express from 'express';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import SSE from 'express-sse';
import { report, sleep } from './server.mjs';

const sse = new SSE(['old', 'older']);
const app = express();
app.get('/', sse.init);
const server = app.listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

/** The events of one more client, a list that grows. */
async function connect() {
  const events = [];
  const { body } = await fetch(url);
  const reader = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader();
  (async () => {
    for (let part; !(part = await reader.read()).done; ) events.push(`${part.value.id} ${JSON.parse(part.value.data)}`);
  })();
  await sleep(500);
  return events;
}
const lines = [];
const events = await connect();
lines.push(`alone: ${events.join(', ')}`);
await connect();
lines.push(`after a second client: ${events.join(', ')}`);
await connect();
report(...lines, `after a third client: ${events.join(', ')}`);
JS
