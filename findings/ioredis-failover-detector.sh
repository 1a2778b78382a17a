#!/bin/sh
# With `failoverDetector: true` ioredis 6.0.0 gives a connection up for good, in the status `end`, where a Sentinel announces a
# failover while the connection is asking a Sentinel for the master. `retryStrategy` is not called. Without the detector, which
# is the default, it is `ready` again. The servers say what Redis and Sentinel say, in RESP2.
. "$(dirname "$0")/run.sh"
run 'ioredis@6.0.0' 'with the detector: end
without: ready' <<'JS'
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { bulk, report, sleep } from './server.mjs';

async function listen(answer) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (data) => answer(socket, data.toString()));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, sockets };
}

async function statusAfter(failoverDetector) {
  const master = await listen((socket, text) =>
    socket.write('+OK\r\n'.repeat(text.split('\r\n').filter((line) => line.startsWith('*')).length)),
  );
  const subscribers = new Set();
  let isFailingOver = false;
  const address = `*2\r\n${bulk('127.0.0.1')}${bulk(String(master.port))}`;
  const sentinel = await listen((socket, text) => {
    const asked = text.toLowerCase();
    if (asked.includes('setinfo')) socket.write('+OK\r\n'.repeat(asked.split('setinfo').length - 1));
    if (asked.includes('subscribe')) {
      subscribers.add(socket);
      socket.write(`*3\r\n${bulk('subscribe')}${bulk('+switch-master')}:1\r\n`);
    }
    if (!asked.includes('get-master-addr')) return;
    if (!isFailingOver) return socket.write(address);
    const message = `mymaster 127.0.0.1 1 127.0.0.1 ${master.port}`;
    for (const each of subscribers) each.write(`*3\r\n${bulk('message')}${bulk('+switch-master')}${bulk(message)}`);
    setTimeout(() => socket.write(address), 200);
  });
  const redis = new Redis({
    sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
    name: 'mymaster',
    failoverDetector,
    updateSentinels: false,
    enableReadyCheck: false,
    protocol: 2,
    retryStrategy: () => 50,
  });
  redis.on('error', () => {});
  await new Promise((resolve) => redis.once('ready', resolve));
  await sleep(300);
  isFailingOver = true;
  for (const socket of master.sockets) socket.destroy();
  await sleep(3_000);
  return redis.status;
}
report(`with the detector: ${await statusAfter(true)}`, `without: ${await statusAfter(false)}`);
JS
