#!/bin/sh
# ioredis 6.0.0 emits `ready` after `disconnect()`, if that is called while the check for readiness waits for its answer: the status stays
# `connect`, and the answer is still taken. A listener of `ready` that subscribes, or counts its connections, does so for one that closes.
. "$(dirname "$0")/run.sh"
run 'ioredis@6.0.0' 'status behind disconnect(): connect
then: ready, close, end' <<'JS'
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { bulk, commands, report } from './server.mjs';

let answer;
const asked = new Promise((resolve) => (answer = resolve));
const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (data) => {
    for (const [name] of commands(data.toString())) {
      if (name.toLowerCase() === 'info') answer(() => socket.write(bulk('redis_version:7.0.0\r\nloading:0\r\n')));
      else socket.write('+OK\r\n');
    }
  });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const redis = new Redis({ port: server.address().port, protocol: 2 });
redis.on('error', () => {});
const send = await asked;
redis.disconnect();
const { status } = redis;
const events = [];
for (const event of ['ready', 'close', 'end']) redis.on(event, () => events.push(event));
const ended = new Promise((resolve) => redis.once('end', resolve));
send();
await ended;
report(`status behind disconnect(): ${status}`, `then: ${events.join(', ')}`);
JS
