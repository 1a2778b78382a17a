#!/bin/sh
# `disconnect(true)` of ioredis 6.0.0 adds a listener for `close` and a timer each time that it is called, also while the
# connection closes already: its status stays `ready` until then. At the eleventh call Node warns of a leak. The server takes its
# time to close, as one does over a slow network.
. "$(dirname "$0")/run.sh"
run 'ioredis@6.0.0' 'status after the first call: ready
listeners for close, more than before: 12
MaxListenersExceededWarning' <<'JS'
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { commands, report } from './server.mjs';

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('data', (data) => {
    for (const _ of commands(data.toString())) socket.write('+OK\r\n');
  });
  socket.on('end', () => setTimeout(() => socket.end(), 500));
  socket.on('error', () => {});
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

let warned;
process.removeAllListeners('warning');
process.on('warning', ({ name }) => (warned = name));
const redis = new Redis({ port: server.address().port, enableReadyCheck: false, protocol: 2, retryStrategy: () => 50 });
redis.on('error', () => {});
await new Promise((resolve) => redis.once('ready', resolve));
const before = redis.stream.listenerCount('close');
redis.disconnect(true);
const { status } = redis;
for (let i = 0; i < 11; i++) redis.disconnect(true);
const added = redis.stream.listenerCount('close') - before;
await new Promise((resolve) => setTimeout(resolve, 50));
report(`status after the first call: ${status}`, `listeners for close, more than before: ${added}`, String(warned));
JS
