#!/bin/sh
# ssestream 1.1.0 has a stream that the server ends look open to the client for some seconds more. Piped to a response, it sends
# `Transfer-Encoding: identity` and `Connection: keep-alive`. So Node neither frames the body nor closes the connection at its
# end. The client learns of the end when `keepAliveTimeout` (by default 5 s) closes it. RFC 9112 6.3 ends a body in no known
# coding with the connection, and no longer has a coding named identity. Without that field the same stream ends at once. The
# README is silent.
. "$(dirname "$0")/run.sh"
run ssestream@1.1.0 'keepAliveTimeout 2 s, ssestream: transfer-encoding identity, end seen after 2 s or more
keepAliveTimeout 2 s, the same without that field: transfer-encoding chunked, end seen at once
keepAliveTimeout 5 s, ssestream: transfer-encoding identity, end seen after 5 s or more' <<'JS'
import { createServer, get } from 'node:http';
import ssestream from 'ssestream';
import { report } from './server.mjs';

const SseStream = ssestream.default;
const server = createServer((request, response) => {
  if (request.url === '/plain') {
    const { writeHead } = response;
    response.writeHead = (status, { 'Transfer-Encoding': _identity, ...headers }) => writeHead.call(response, status, headers);
  }
  const sse = new SseStream(request);
  sse.pipe(response);
  sse.end({ id: '1', data: 'hello' });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

/** The coding of an answer, and how long its client waits from the last event to the end. */
async function read(path, keepAlive) {
  server.keepAliveTimeout = keepAlive;
  const response = await new Promise((resolve) => get({ port: server.address().port, path, agent: false }, resolve));
  let last = 0;
  for await (const _chunk of response) last = Date.now();
  const waited = Date.now() - last;
  const when = waited < 1_000 ? 'at once' : waited >= keepAlive ? `after ${keepAlive / 1_000} s or more` : `after ${waited} ms`;
  return `transfer-encoding ${response.headers['transfer-encoding']}, end seen ${when}`;
}
report(
  `keepAliveTimeout 2 s, ssestream: ${await read('/', 2_000)}`,
  `keepAliveTimeout 2 s, the same without that field: ${await read('/plain', 2_000)}`,
  `keepAliveTimeout 5 s, ssestream: ${await read('/', 5_000)}`,
);
JS
