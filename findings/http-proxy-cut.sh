#!/bin/sh
# http-proxy 1.18.1, and so http-proxy-middleware 2, on current versions of Node: a server behind it does not learn that the client of a
# stream has left, and a client does not learn that the server has died: its connection stays open, and nothing comes any more.
. "$(dirname "$0")/run.sh"
run 'http-proxy@1.18.1 http-proxy-middleware@2.0.12 express@5.3.0' 'http-proxy: client left: the server does not see it in 3 s; server died: the client does not see it in 3 s
http-proxy-middleware 2: client left: the server does not see it in 3 s; server died: the client does not see it in 3 s
without a proxy: client left: the server sees it; server died: the client sees it' <<'JS'
import express from 'express';
import httpProxy from 'http-proxy';
import { createProxyMiddleware } from 'http-proxy-middleware';
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

async function tell(name, server) {
  if (!server.listening) await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const leaving = await open(port);
  leaving.client.destroy();
  const atServer = await sees(current);
  const staying = await open(port);
  const atClient = sees(staying.answer);
  current.socket.destroy();
  return `${name}: client left: the server ${atServer}; server died: the client ${await atClient}`;
}

const target = upstream.url;
const proxy = httpProxy.createProxyServer({ target });
proxy.on('error', () => undefined);
const middleware = createProxyMiddleware({ target, logLevel: 'silent' });
report(
  await tell('http-proxy', createServer((request, response) => proxy.web(request, response))),
  await tell('http-proxy-middleware 2', createServer(express().use(middleware))),
  await tell('without a proxy', upstream.server),
);
JS
