#!/bin/sh
# ioredis 6.0.0 does not hand over what a server says to a connection that it does not take. Redis writes its words to a new connection,
# before any command, and closes it: where `maxclients` is reached, and in protected mode. ioredis drops them, and tells of the lost
# connection alone. The server here says them as Redis does.
. "$(dirname "$0")/run.sh"
run 'ioredis@6.0.0' 'connections: 3
errors with the words: 0
command: Connection is closed.' <<'JS'
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { report } from './server.mjs';

let connections = 0;
const server = createServer((socket) => {
  connections++;
  socket.on('error', () => {}).resume();
  socket.end('-ERR max number of clients reached\r\n');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const errors = [];
const redis = new Redis({ port: server.address().port, host: '127.0.0.1', retryStrategy: (times) => (times < 3 ? 20 : null) });
redis.on('error', ({ message }) => errors.push(message));
const ended = new Promise((resolve) => redis.once('end', resolve));
const failure = await redis.get('key').catch(({ message }) => message);
await ended;
const told = errors.filter((message) => message.includes('max number of clients'));
report(`connections: ${connections}`, `errors with the words: ${told.length}`, `command: ${failure}`);
JS
