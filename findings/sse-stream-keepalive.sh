#!/bin/sh
# sse-stream 0.0.5 takes the wrong client off its list, once two have left in the order in which they came. It removes a client by
# the place that it had when it came, and that place is another's after the first has left. A client that stays then gets no more
# keep-alives, and the one that left stays on the list. Here the first two of three clients leave. By the README all connected
# clients get keep-alives.
. "$(dirname "$0")/run.sh"
run sse-stream@0.0.5 'three clients: the third gets keep-alives
the first has left: the third gets keep-alives
the second has left: the third gets none, on the list: 1, the client that left' <<'JS'
import { createServer, get } from 'node:http';
import SSE from 'sse-stream';
import { report, sleep } from './server.mjs';

const sse = SSE({ path: '/sse', keepalive: 100 });
const clients = [];
sse.on('connection', (client) => clients.push(client));
const server = createServer((_request, response) => response.end());
sse.install(server);
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

/** One more client. `text` grows. */
async function connect() {
  const client = { text: '' };
  await new Promise((resolve) => {
    client.request = get(
      { port: server.address().port, path: '/sse', headers: { accept: 'text/event-stream' }, agent: false },
      (response) => {
        response.on('data', (data) => (client.text += data)).on('error', () => {});
        resolve();
      },
    );
  });
  return client;
}
const [first, second, third] = [await connect(), await connect(), await connect()];

/** Whether the third client is sent a keep-alive in the next second. */
async function keptAlive() {
  await sleep(500);
  third.text = '';
  await sleep(1_000);
  return third.text.includes('keepalive') ? 'keep-alives' : 'none';
}
const lines = [`three clients: the third gets ${await keptAlive()}`];
first.request.destroy();
lines.push(`the first has left: the third gets ${await keptAlive()}`);
second.request.destroy();
const left = sse.pool[0] === clients[1] ? 'the client that left' : 'another';
report(...lines, `the second has left: the third gets ${await keptAlive()}, on the list: ${sse.pool.length}, ${left}`);
JS
