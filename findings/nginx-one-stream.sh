#!/bin/sh
# nginx 1.22.1 lets one event stream each `fail_timeout` through to a server that failed once and is back, and answers the others
# 502 where no other server is there. Only a request that has ended clears the failure, and a stream does not end. `max_fails=0`
# turns it off. `fail_timeout` is 2 s here, by default 10 s.
. "$(dirname "$0")/run.sh"
command -v nginx >/dev/null || PATH=$PATH:/usr/sbin
command -v nginx >/dev/null || { echo 'Install nginx (apt-get install nginx-light).'; exit 1; }
nginx -v
run '' 'plain: 200 502 502 502
max_fails=0: 200 200 200 200' <<'JS'
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { report, sleep, stream } from './server.mjs';

/** An application that can be stopped, and started again on its port. */
async function startApplication() {
  let server;
  const start = (port) =>
    new Promise((resolve) => {
      server = createServer((_request, response) => stream(response, 'data: x\n\n'));
      server.listen(port, '127.0.0.1', resolve);
    });
  await start(0);
  const { port } = server.address();
  const stop = () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    return closed;
  };
  return { port, start: () => start(port), stop };
}

async function freePort() {
  const application = await startApplication();
  await application.stop();
  return application.port;
}

/** The statuses of so many streams, which stay open. */
async function open(port, count) {
  const statuses = [];
  for (let i = 0; i < count; i++) {
    statuses.push(
      await new Promise((resolve, reject) => {
        const request = get({ port, host: '127.0.0.1', agent: false }, (response) => {
          response.on('error', () => undefined).resume();
          resolve(response.statusCode);
        });
        request.on('error', reject);
      }),
    );
  }
  return statuses;
}

async function measure(option) {
  const [first, second, port] = [await startApplication(), await startApplication(), await freePort()];
  const folder = `${process.cwd()}/nginx-${port}`;
  mkdirSync(folder);
  const servers = [first, second].map((each) => `server 127.0.0.1:${each.port} ${option} fail_timeout=2s;`).join(' ');
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const temporary = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');
  writeFileSync(
    `${folder}/nginx.conf`,
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1; events {}\n` +
      `http { access_log off; ${temporary} upstream app { ${servers} }\n` +
      `server { listen 127.0.0.1:${port}; location / { proxy_pass http://app; proxy_buffering off; } } }\n`,
  );
  const proxy = spawn('nginx', ['-e', `${folder}/error.log`, '-c', `${folder}/nginx.conf`], { stdio: 'ignore' });
  await sleep(1_000);
  await first.stop();
  await open(port, 2); // one of them meets the failure, and is served by the second
  await first.start();
  await sleep(3_000);
  await second.stop();
  const statuses = await open(port, 4);
  proxy.kill();
  return statuses.join(' ');
}

report(`plain: ${await measure('')}`, `max_fails=0: ${await measure('max_fails=0')}`);
JS
