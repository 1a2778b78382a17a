#!/bin/sh
# `node:cluster` (Node 20, 24, 26), and so the cluster mode of pm2: a connection that the primary process had handed to a worker stays open where
# the worker dies before it takes the connection. No other worker gets it, and nobody closes it. The client waits without an end.
. "$(dirname "$0")/run.sh"
run '' 'before: open answered answered answered
5 s after the worker has died: open answered answered answered' <<'JS'
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { report, sleep } from './server.mjs';

const CLIENTS = 4;

/** Two workers on one port. @returns them, and the port */
async function startWorkers() {
  const workers = [cluster.fork(), cluster.fork()];
  const messages = await Promise.all(workers.map((worker) => once(worker, 'message')));
  return { workers, port: messages[0][0] };
}

function ask(port) {
  const client = { state: 'open' };
  const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'));
  socket.once('data', () => (client.state = 'answered'));
  socket.on('error', () => {});
  socket.once('close', () => (client.state = 'closed'));
  return client;
}

if (cluster.isPrimary) {
  const { workers, port } = await startWorkers();
  // Busy with something else: it takes no connection.
  workers[0].send('work');
  await sleep(500);
  const clients = Array.from({ length: CLIENTS }, () => ask(port));
  const states = () => clients.map(({ state }) => state).toSorted().reverse().join(' ');
  await sleep(1_000);
  const before = states();
  workers[0].process.kill('SIGKILL');
  await once(workers[0], 'exit');
  await sleep(5_000);
  const after = states();
  workers[1].kill();
  report(`before: ${before}`, `5 s after the worker has died: ${after}`);
} else {
  const server = createServer((_request, response) => response.end('x'));
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('message', () => {
    const end = Date.now() + 30_000;
    while (Date.now() < end);
  });
}
JS
