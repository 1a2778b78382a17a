#!/bin/sh
# HAProxy 2.6.12 hands the events of a stream on 200 ms late, over cleartext HTTP/1.1 on both sides. It tells the kernel that
# more data will follow (MSG_MORE), and the kernel waits for that long. `option http-no-delay` turns it off.
. "$(dirname "$0")/run.sh"
command -v haproxy >/dev/null || PATH=$PATH:/usr/sbin
command -v haproxy >/dev/null || { echo 'Install haproxy (apt-get install haproxy).'; exit 1; }
haproxy -v | head -n 1
run '' 'plain: at least 4 of 5 events came after 150 ms or more: true
option http-no-delay: median below 100 ms: true' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { report, sleep, startServer, stream } from './server.mjs';

const { url } = await startServer(async (response) => {
  stream(response, ': head\n\n');
  for (let i = 0; i < 5; i++) {
    await sleep(600);
    response.write(`data: ${Date.now()}\n\n`);
  }
  response.end();
});

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** The delays of the events through HAProxy, in ms. */
async function measure(option) {
  const port = await freePort();
  writeFileSync(
    'haproxy.cfg',
    `defaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n ${option}\n` +
      `listen web\n bind 127.0.0.1:${port}\n server a ${new URL(url).host}\n`,
  );
  const proxy = spawn('haproxy', ['-db', '-f', 'haproxy.cfg'], { stdio: 'ignore' });
  await sleep(1_500);
  const delays = [];
  await new Promise((resolve, reject) => {
    get(`http://127.0.0.1:${port}/`, (response) => {
      response.on('data', (chunk) => {
        for (const [, sent] of String(chunk).matchAll(/data: (\d+)/g)) delays.push(Date.now() - Number(sent));
      });
      response.on('end', resolve);
    }).on('error', reject);
  });
  proxy.kill();
  return delays.sort((a, b) => a - b);
}

const plain = await measure('');
const prompt = await measure('option http-no-delay');
report(
  `plain: at least 4 of 5 events came after 150 ms or more: ${plain[1] >= 150}`,
  `option http-no-delay: median below 100 ms: ${prompt[2] < 100}`,
);
JS
