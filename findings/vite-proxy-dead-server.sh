#!/bin/sh
# Vite 8.4.0: a page behind `server.proxy` does not learn that the server of its event stream has died. The stream stays open and silent, so
# that an EventSource does not return. A stream that the server ends is ended for the page, too.
. "$(dirname "$0")/run.sh"
run 'vite@8.4.0' 'the server ends the stream: ended
the server dies: open, 5 s later
the server dies, without a proxy: error' <<'JS'
import { get } from 'node:http';
import { createServer } from 'vite';
import { report, sleep, startServer, stream } from './server.mjs';

let current;
const upstream = await startServer((response) => {
  current = stream(response, 'data: 1\n\n');
});

const vite = await createServer({
  configFile: false,
  logLevel: 'silent',
  server: { host: '127.0.0.1', port: 0, proxy: { '/events': upstream.url } },
});
await vite.listen();
const proxied = `http://127.0.0.1:${vite.httpServer.address().port}/events`;

/** What becomes of a stream, where something happens to it behind its first event. */
async function read(url, happen) {
  const answer = await new Promise((resolve) => get(url, { agent: false }, resolve));
  const over = new Promise((resolve) => {
    answer.on('end', () => resolve('ended'));
    answer.on('error', () => resolve('error'));
  });
  await new Promise((resolve) => answer.once('data', resolve));
  happen();
  return Promise.race([over, sleep(5_000).then(() => 'open, 5 s later')]);
}

report(
  `the server ends the stream: ${await read(proxied, () => current.end())}`,
  `the server dies: ${await read(proxied, () => current.socket.destroy())}`,
  `the server dies, without a proxy: ${await read(upstream.url, () => current.socket.destroy())}`,
);
JS
