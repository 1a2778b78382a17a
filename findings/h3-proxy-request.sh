#!/bin/sh
# h3 1.15.11, of Nuxt 4.4 and Nitro 2.13: `proxyRequest()`, as in `routeRules.proxy`, does not tell a server that the client of a stream has
# left. Where the server dies, the client keeps an open, silent stream. The function calls `fetch()` without a signal, and its failure
# behind the head ends no answer. h3 2.0.8 tells both.
. "$(dirname "$0")/run.sh"
run 'h3@1.15.11 h3-2@npm:h3@2.0.8' 'h3 1: client left: the server does not see it in 3 s; server died: the client does not see it in 3 s
h3 2: client left: the server sees it; server died: the client sees it' <<'JS'
import { createApp, eventHandler, proxyRequest, toNodeListener } from 'h3';
import * as h3 from 'h3-2';
import { createServer, get } from 'node:http';
import { report, sleep, startServer, stream } from './server.mjs';

let current;
const upstream = await startServer((response) => {
  current = stream(response, 'data: 1\n\n');
});

/** An EventSource, up to its first event. */
async function open(port) {
  const client = get({ host: '127.0.0.1', port, agent: false, headers: { accept: 'text/event-stream' } });
  client.on('error', () => undefined);
  const answer = await new Promise((resolve) => client.on('response', resolve));
  answer.on('error', () => undefined);
  await new Promise((resolve) => answer.once('data', resolve));
  return { client, answer };
}

const sees = async (emitter) =>
  Promise.race([
    new Promise((resolve) => emitter.once('close', () => resolve('sees it'))),
    sleep(3_000).then(() => 'does not see it in 3 s'),
  ]);

async function tell(name, listener) {
  const server = createServer(listener);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const leaving = await open(port);
  leaving.client.destroy();
  const atServer = await sees(current);
  const staying = await open(port);
  const atClient = sees(staying.answer);
  current.socket.destroy();
  return `${name}: client left: the server ${atServer}; server died: the client ${await atClient}`;
}

const one = createApp({ onError: () => undefined });
one.use(eventHandler((event) => proxyRequest(event, upstream.url)));
const two = new h3.H3().all('/**', (event) => h3.proxyRequest(event, upstream.url));
console.error = () => undefined; // what h3 2 logs of the death
report(await tell('h3 1', toNodeListener(one)), await tell('h3 2', h3.toNodeHandler(two)));
JS
