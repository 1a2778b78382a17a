#!/bin/sh
# better-sse 0.16.1 does not notice that a client has left, where `express.json()` has parsed a body. `disconnected` is not emitted,
# and a channel keeps the session. Since Node 16 a request emits `close` when its body is read, here right after the session was
# created. The session takes that for the end of the connection, removes its listeners, and connects nevertheless. Issue 116 of
# better-sse reports the reverse: a body that is read later ends a session in use.
. "$(dirname "$0")/run.sh"
run 'better-sse@0.16.1 express@5.3.0' 'GET: got the event: true, disconnected: true, sessions left: 0
POST: got the event: true, disconnected: false, sessions left: 1' <<'JS'
import { createChannel, createSession } from 'better-sse';
import express from 'express';
import { request } from 'node:http';
import { report, sleep } from './server.mjs';

async function visit(method, body) {
  const channel = createChannel();
  let disconnected = false;
  const application = express();
  application.use(express.json());
  application.all('/', async (req, res) => {
    const session = await createSession(req, res);
    session.once('disconnected', () => (disconnected = true));
    channel.register(session);
  });
  const server = await new Promise((resolve) => {
    const listening = application.listen(0, '127.0.0.1', () => resolve(listening));
  });
  const headers = { 'content-type': 'application/json' };
  const client = request({ host: '127.0.0.1', port: server.address().port, method, headers });
  let text = '';
  client.on('response', (response) => response.on('error', () => undefined).on('data', (data) => (text += data)));
  client.on('error', () => undefined);
  client.end(body);
  await sleep(1_000);
  channel.broadcast('hello');
  await sleep(500);
  client.destroy();
  await sleep(2_000);
  return `${method}: got the event: ${text.includes('hello')}, disconnected: ${disconnected}, sessions left: ${channel.sessionCount}`;
}
report(await visit('GET'), await visit('POST', '{"room":"news"}'));
JS
