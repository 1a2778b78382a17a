#!/bin/sh
# axios 1.21.1 counts `timeout` differently by its adapter, where `responseType` is `stream`. With `http`, the default in Node, it is the
# longest silence of a stream. With `fetch`, axios cuts a stream when that time has passed since the request, although events come. The
# README says for both: "If the request takes longer than `timeout`, Axios aborts it."
. "$(dirname "$0")/run.sh"
run 'axios@1.21.1' 'http, an event each 0.5 s: open after 6 s
http, silence: cut
fetch, an event each 0.5 s: cut
fetch, silence: cut' <<'JS'
import axios from 'axios';
import { report, sleep, startServer, stream } from './server.mjs';

async function read(adapter, isBusy) {
  const { url } = await startServer((response) => {
    stream(response, 'data: 0\n\n');
    const timer = isBusy && setInterval(() => response.write('data: 1\n\n'), 500);
    response.once('close', () => clearInterval(timer));
  });
  const { data } = await axios.get(url, { adapter, responseType: 'stream', timeout: 3_000 });
  const consume = async () => {
    for await (const _ of data);
    return 'ended';
  };
  return Promise.race([consume().catch(() => 'cut'), sleep(6_000).then(() => 'open after 6 s')]);
}

report(
  `http, an event each 0.5 s: ${await read('http', true)}`,
  `http, silence: ${await read('http', false)}`,
  `fetch, an event each 0.5 s: ${await read('fetch', true)}`,
  `fetch, silence: ${await read('fetch', false)}`,
);
JS
