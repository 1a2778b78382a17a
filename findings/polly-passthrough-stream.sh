#!/bin/sh
# Polly.js 6.0.6 with its adapter of `fetch`: a request that a route lets through by `passthrough()` is answered when the answer has ended,
# and a stream that stays open is never answered. The adapter of `node:http` hands both on at once.
. "$(dirname "$0")/run.sh"
run '@pollyjs/core@6.0.6 @pollyjs/adapter-fetch@6.0.7 @pollyjs/adapter-node-http@6.0.6' 'fetch: at once, at once
fetch through Polly: when it has ended, nothing within 3 s
http.get() through Polly: at once, at once' <<'JS'
import { get } from 'node:http';
import FetchAdapter from '@pollyjs/adapter-fetch';
import NodeHttpAdapter from '@pollyjs/adapter-node-http';
import { Polly } from '@pollyjs/core';
import { report, sleep, startServer, stream } from './server.mjs';

const { url } = await startServer((response, _n, { url }) => {
  stream(response, 'data: 1\n\n');
  if (url === '/ends') setTimeout(() => response.end('data: 2\n\n'), 1_000);
});

const readByFetch = async (url) => (await (await fetch(url)).body.getReader().read()).value;
const readByGet = (url) =>
  new Promise((resolve) => get(url, (response) => response.once('data', resolve)));

/** When the first event comes: of a stream that ends after a second, and of one that stays open. */
async function readFirst(name, read) {
  const times = [];
  for (const path of ['ends', 'open']) {
    const begun = performance.now();
    const toWords = () => (performance.now() - begun < 700 ? 'at once' : 'when it has ended');
    times.push(await Promise.race([read(url + path).then(toWords), sleep(3_000).then(() => 'nothing within 3 s')]));
  }
  return `${name}: ${times.join(', ')}`;
}

/** With all requests let through. */
function start(adapter, adapterOptions) {
  const polly = new Polly(adapter.id, { adapters: [adapter], adapterOptions, logLevel: 'silent' });
  polly.server.any().passthrough();
  return polly;
}

const before = await readFirst('fetch', readByFetch);
const polly = start(FetchAdapter, { fetch: { context: globalThis } });
const through = await readFirst('fetch through Polly', readByFetch);
void polly.stop();
start(NodeHttpAdapter);
report(before, through, await readFirst('http.get() through Polly', readByGet));
JS
