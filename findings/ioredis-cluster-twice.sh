#!/bin/sh
# `Cluster` of ioredis 6.0.0 sends a command again whose connection broke after the server had run it: INCR counts 2. So it does
# with `autoResendUnfulfilledCommands: false` and `maxRetriesPerRequest: 0`, with which a `Redis` rejects. Of the options tried
# only `retryDelayOnFailover: 0` and `maxRedirections: 0` make it reject. The server says what a cluster node says, in RESP2.
. "$(dirname "$0")/run.sh"
run 'ioredis@6.0.0' 'Redis: rejected, run 1 time
Cluster: 2, run 2 times
Cluster with maxRedirections 0: rejected, run 1 time' <<'JS'
import { createServer } from 'node:net';
import { Cluster, Redis } from 'ioredis';
import { bulk, commands, report } from './server.mjs';

/** Runs INCR on a server of its own, whose first answer to INCR is lost. */
async function increment(connect) {
  let counter = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const [name] of commands(data.toString())) {
        const command = name.toUpperCase();
        if (command === 'INCR') {
          if (++counter === 1) socket.destroy();
          else socket.write(`:${counter}\r\n`);
        } else if (command === 'CLUSTER') {
          const node = `*3\r\n${bulk('127.0.0.1')}:${server.address().port}\r\n${bulk('0'.repeat(40))}`;
          socket.write(`*1\r\n*3\r\n:0\r\n:16383\r\n${node}`);
        } else if (command === 'INFO') socket.write(bulk('loading:0'));
        else socket.write('+OK\r\n');
      }
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const redis = connect({ host: '127.0.0.1', port: server.address().port });
  redis.on('error', () => {});
  await new Promise((resolve) => redis.once('ready', resolve));
  const outcome = await redis.incr('counter').catch(() => 'rejected');
  redis.disconnect();
  return `${outcome}, run ${counter} ${counter === 1 ? 'time' : 'times'}`;
}

const redisOptions = { protocol: 2, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 };
report(
  `Redis: ${await increment((node) => new Redis({ ...node, ...redisOptions }))}`,
  `Cluster: ${await increment((node) => new Cluster([node], { redisOptions }))}`,
  `Cluster with maxRedirections 0: ${await increment((node) => new Cluster([node], { redisOptions, maxRedirections: 0 }))}`,
);
JS
