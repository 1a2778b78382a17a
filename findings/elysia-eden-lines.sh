#!/bin/sh
# Elysia 1.4.30 and its client, @elysiajs/eden 1.4.9: neither end has data of several lines whole. `sse()` of the server writes `data: `
# before the first line alone, and an EventSource gets that line. The client keeps the last line of data that another server sends in
# several. WHATWG HTML 9.2.6 joins such lines by a line feed.
. "$(dirname "$0")/run.sh"
run 'elysia@1.4.30 @elysiajs/node@1.4.5 @elysiajs/eden@1.4.9 eventsource-parser@4.1.3' 'Elysia sends "one\ntwo" as "data: one\ntwo"; eventsource-parser reads "one", Eden "one"
another server sends "data: one\ndata: two"; eventsource-parser reads "one\ntwo", Eden "two"' <<'JS'
import { treaty } from '@elysiajs/eden';
import { node } from '@elysiajs/node';
import { Elysia, sse } from 'elysia';
import { createParser } from 'eventsource-parser';
import { createServer } from 'node:net';
import { report, startServer, stream } from './server.mjs';

const freePort = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const app = new Elysia({ adapter: node() }).get('/', async function* () {
  yield sse({ data: 'one\ntwo' });
});
await new Promise((resolve) => app.listen({ port: freePort, hostname: '127.0.0.1' }, resolve));
const other = await startServer((response) => stream(response, 'data: one\ndata: two\n\n').end());

/** What is sent, and what a parser and Eden make of it. */
async function read(url) {
  const sent = (await (await fetch(url)).text()).trim();
  const events = [];
  createParser({ onEvent: ({ data }) => events.push(data) }).feed(`${sent}\n\n`);
  const { data: stream } = await treaty(url).get();
  for await (const { data } of stream) events.push(data);
  const [parsed, eden] = events.map((data) => JSON.stringify(data));
  return `${JSON.stringify(sent)}; eventsource-parser reads ${parsed}, Eden ${eden}`;
}
report(
  `Elysia sends "one\\ntwo" as ${await read(`http://127.0.0.1:${freePort}`)}`,
  `another server sends ${await read(other.url.slice(0, -1))}`,
);
JS
