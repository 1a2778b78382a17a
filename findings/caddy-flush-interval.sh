#!/bin/sh
# Caddy 2.6.2 with `flush_interval -1`, which is often advised for event streams, does not tell the application that a client
# left before the application has written several times. Without it Caddy flushes event streams too, and tells at once.
. "$(dirname "$0")/run.sh"
command -v caddy >/dev/null || { echo 'Install caddy (apt-get install caddy).'; exit 1; }
caddy version | head -n 1
run '' 'plain: the application saw the client leave in a silence of 4 s: true
flush_interval -1: the application saw the client leave in a silence of 4 s: false' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { report, sleep, startServer, stream } from './server.mjs';

let hasLeft = false;
const { url } = await startServer((response) => {
  stream(response, 'data: x\n\n');
  response.once('close', () => (hasLeft = true));
});

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Whether the application sees that a client leaves. */
async function measure(option) {
  const port = await freePort();
  const proxyTo = `reverse_proxy ${new URL(url).host} {\n ${option}\n }`;
  writeFileSync('Caddyfile', `{\n admin off\n}\nhttp://127.0.0.1:${port} {\n ${proxyTo}\n}\n`);
  const proxy = spawn('caddy', ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'], { stdio: 'ignore' });
  await sleep(2_000);
  hasLeft = false;
  await new Promise((resolve, reject) => {
    const request = get(`http://127.0.0.1:${port}/`, (response) => {
      response.on('error', () => undefined);
      response.once('data', () => {
        request.destroy();
        resolve();
      });
    }).on('error', reject);
  });
  await sleep(4_000);
  const seen = hasLeft;
  proxy.kill();
  return seen;
}

const words = 'the application saw the client leave in a silence of 4 s';
report(`plain: ${words}: ${await measure('')}`, `flush_interval -1: ${words}: ${await measure('flush_interval -1')}`);
JS
