#!/bin/sh
# ioredis 6.0.0 works in database 0 where the server refuses the database of its options. The refusal is an `error` event; then the
# client is `ready`, and a `set` goes to the server as if nothing was, also on each later connection. The server here answers
# SELECT as Redis does where there is no such database, and says which commands it got.
. "$(dirname "$0")/run.sh"
run 'ioredis@6.0.0' 'error: ERR DB index is out of range
status: ready
the server got: select 20, set key value' <<'JS'
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { commands, report } from './server.mjs';

const got = [];
const server = createServer((socket) =>
  socket.on('data', (data) => {
    for (const [name, ...args] of commands(data.toString())) {
      const command = name.toLowerCase();
      if (command === 'select' || command === 'set') got.push([command, ...args].join(' '));
      socket.write(command === 'select' ? '-ERR DB index is out of range\r\n' : '+OK\r\n');
    }
  }),
);
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const errors = [];
const redis = new Redis({ port: server.address().port, host: '127.0.0.1', db: 20, protocol: 2, enableReadyCheck: false });
redis.on('error', ({ message }) => errors.push(message));
await new Promise((resolve) => redis.once('ready', resolve));
await redis.set('key', 'value');
report(`error: ${errors.join(', ')}`, `status: ${redis.status}`, `the server got: ${got.join(', ')}`);
JS
