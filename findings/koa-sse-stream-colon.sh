#!/bin/sh
# koa-sse-stream 0.2.0 never delivers data that begins with a colon. It writes each line of such data as a comment, less the first
# colon, and a client skips comments. The event is gone, also if it has a name and an id. Blanks before the colon do not help.
# WHATWG HTML 9.2.6 lets data hold any character but line ends. The README has no rule for what `data` may begin with.
. "$(dirname "$0")/run.sh"
run 'koa-sse-stream@0.2.0 koa@2.16.4 eventsource-parser@3.1.1' 'sent: "event: chat\nid: 2\n: -) see you\n\n"
received: "hello", "bye"' <<'JS'
import { createParser } from 'eventsource-parser';
import Koa from 'koa';
import sse from 'koa-sse-stream';
import { report, sleep } from './server.mjs';

const app = new Koa();
app.use(sse());
app.use(async (context) => {
  for (const [i, data] of ['hello', ':-) see you', 'bye'].entries()) context.sse.send({ event: 'chat', id: i + 1, data });
});
const server = app.listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
let text = '';
const { body } = await fetch(`http://127.0.0.1:${server.address().port}/`);
body.pipeThrough(new TextDecoderStream()).pipeTo(new WritableStream({ write: (part) => void (text += part) }));
await sleep(1_000);
const received = [];
createParser({ onEvent: ({ data }) => received.push(JSON.stringify(data)) }).feed(text);
const sent = text.split(/(?<=\n\n)/).find((block) => block.includes('see you'));
report(`sent: ${JSON.stringify(sent)}`, `received: ${received.join(', ')}`);
JS
