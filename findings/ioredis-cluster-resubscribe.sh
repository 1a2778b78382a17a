#!/bin/sh
# `Cluster` of ioredis 6.0.0 loses a sharded subscription whose slot moves to another node, where that node refuses the first
# SSUBSCRIBE, as nodes do with CLUSTERDOWN. It emits `subscribersReady`, no error, and does not ask again. The servers say what
# nodes of Redis Cluster say when a slot moves: the old one sends `sunsubscribe`. RESP2.
. "$(dirname "$0")/run.sh"
run 'ioredis@6.0.0' 'accepted: heard, asked 1 time, subscribersReady true, errors 0, status ready
refused once: not heard, asked 1 time, subscribersReady true, errors 0, status ready' <<'JS'
import { createServer } from 'node:net';
import { Cluster } from 'ioredis';
import { bulk, commands, report, sleep } from './server.mjs';

const push = (kind, value) => `*3\r\n${bulk(kind)}${bulk('news')}${value}`;

/** @param refusals how many SSUBSCRIBEs the new owner of the slots refuses first */
async function move(refusals) {
  let owner;
  async function startNode(id, left) {
    const node = { id, asked: 0, subscribers: new Set() };
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('close', () => node.subscribers.delete(socket));
      socket.on('data', (data) => {
        for (const [name] of commands(data.toString())) {
          const command = name.toUpperCase();
          if (command === 'CLUSTER') {
            socket.write(`*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n${bulk('127.0.0.1')}:${owner.port}\r\n${bulk(owner.id.repeat(40))}`);
          } else if (command === 'SSUBSCRIBE') {
            node.asked++;
            if (left-- > 0) socket.write('-CLUSTERDOWN The cluster is down\r\n');
            else {
              node.subscribers.add(socket);
              socket.write(push('ssubscribe', ':1\r\n'));
            }
          } else if (command === 'INFO') socket.write(bulk('loading:0'));
          else socket.write('+OK\r\n');
        }
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return Object.assign(node, { port: server.address().port });
  }
  const [from, to] = [await startNode('a', 0), await startNode('b', refusals)];
  owner = from;
  const cluster = new Cluster([{ host: '127.0.0.1', port: from.port }], {
    shardedSubscribers: true,
    redisOptions: { protocol: 2 },
  });
  let errors = 0;
  let isReady = false;
  let heard = 'not heard';
  cluster.on('error', () => errors++).on('node error', () => errors++);
  cluster.on('smessage', () => (heard = 'heard'));
  await new Promise((resolve) => cluster.once('ready', resolve));
  await cluster.ssubscribe('news');
  cluster.once('subscribersReady', () => (isReady = true));
  owner = to;
  for (const socket of from.subscribers) socket.write(push('sunsubscribe', ':0\r\n'));
  await sleep(5_000);
  for (const socket of to.subscribers) socket.write(push('smessage', bulk('x')));
  await sleep(500);
  const seen = `${heard}, asked ${to.asked} time, subscribersReady ${isReady}, errors ${errors}, status ${cluster.status}`;
  cluster.disconnect();
  return seen;
}
report(`accepted: ${await move(0)}`, `refused once: ${await move(1)}`);
JS
