#!/bin/sh
# nock 14.0.17: while its recorder is on, `fetch` gets an answer when that has ended, and nothing of a stream that stays open. `http.get()`
# gets both at once.
. "$(dirname "$0")/run.sh"
run 'nock@14.0.17' 'fetch: at once, at once
fetch while nock records: when it has ended, nothing within 3 s
http.get() while nock records: at once, at once' <<'JS'
import { get } from 'node:http';
import nock from 'nock';
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

const before = await readFirst('fetch', readByFetch);
nock.recorder.rec({ dont_print: true });
const recorded = await readFirst('fetch while nock records', readByFetch);
report(before, recorded, await readFirst('http.get() while nock records', readByGet));
JS
