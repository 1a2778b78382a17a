#!/bin/sh
# express-sse-ts 1.0.2 drops a client that is connected when another leaves that came in the same millisecond. It knows a client by
# the time of its arrival, and on a leave removes the first one of that time. The client that stays is sent nothing more, and hears
# of no error: its connection stays open. That many come in one millisecond is usual after a restart. Here ten connect at once, as
# often as it takes until two share a time, and the later of the two leaves. By the README each connected client is sent each
# message.
. "$(dirname "$0")/run.sh"
run 'express-sse-ts@1.0.2 express@5.2.1' 'two of one millisecond: first got "one", second got "one"
second has left: first got nothing, its connection is open' <<'JS'
import express from 'express';
import expressSse from 'express-sse-ts';
import { get } from 'node:http';
import { report, sleep } from './server.mjs';

const sse = new expressSse.default();
const app = express();
let arrived = 0;
app.get('/', (_request, response, next) => (response.set('number', `${++arrived}`), next()), sse.init, () => {});
const server = app.listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));

/** One more client: what it got since it was last asked, and whether it is connected. */
async function connect() {
  let text = '';
  const client = { open: true, got: () => JSON.stringify(text.match(/data: (.*)/)?.[1]) ?? 'nothing', forget: () => (text = '') };
  await new Promise((resolve) => {
    client.request = get({ port: server.address().port, agent: false }, (response) => {
      client.number = Number(response.headers.number);
      response.on('data', (data) => (text += data)).on('error', () => {}).on('close', () => (client.open = false));
      resolve();
    });
  });
  return client;
}
let first;
let second;
for (let round = 0; round < 50 && !second; round++) {
  const from = sse.clients.length;
  const clients = await Promise.all(Array.from({ length: 10 }, connect));
  // In the order of their arrival, as in the list of the package.
  clients.sort((a, b) => a.number - b.number);
  const i = clients.findIndex((_client, k) => sse.clients[from + k].id === sse.clients[from + k + 1]?.id);
  if (i >= 0) [first, second] = [clients[i], clients[i + 1]];
}
sse.send('one');
await sleep(500);
const lines = [`two of one millisecond: first got ${first.got()}, second got ${second.got()}`];
second.request.destroy();
await sleep(500);
first.forget();
sse.send('two');
await sleep(500);
report(...lines, `second has left: first got ${first.got()}, its connection is ${first.open ? 'open' : 'closed'}`);
JS
