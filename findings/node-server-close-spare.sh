#!/bin/sh
# `server.close()` of Node ends idle connections and answers no new ones, but a connection that a client has opened and
# not used yet counts as busy. Requests over it are answered after close(), with `Connection: keep-alive`, and the server stays
# open for as long as they come. Chromium opens such connections ahead.
. "$(dirname "$0")/run.sh"
run '' 'answers after close(): 3, keep-alive: 3
closed: false' <<'JS'
import { connect } from 'node:net';
import { report, sleep, startServer } from './server.mjs';

const { server, url } = await startServer((response) => response.end('x'));
const spare = connect(Number(new URL(url).port), '127.0.0.1');
await new Promise((resolve) => spare.once('connect', resolve));
await sleep(100);
let closed = false;
server.close(() => (closed = true));
let text = '';
spare.on('data', (data) => (text += data));
for (let i = 0; i < 3; i++) {
  spare.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await sleep(500);
}
const count = (words) => text.split(words).length - 1;
report(`answers after close(): ${count('HTTP/1.1 200')}, keep-alive: ${count('Connection: keep-alive')}`, `closed: ${closed}`);
JS
