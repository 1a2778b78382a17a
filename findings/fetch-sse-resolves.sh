#!/bin/sh
# fetch-sse 1.2.1 calls `onError` for a connection that breaks, and then resolves its promise: `await` does not throw.
. "$(dirname "$0")/run.sh"
run fetch-sse@1.2.1 'onError: true
promise: resolved' <<'JS'
import { fetchEventData } from 'fetch-sse';
import { report, startServer, stream } from './server.mjs';

const { url } = await startServer((response) => {
  stream(response, 'data: x\n\n');
  setTimeout(() => response.destroy(), 100);
});
let told = false;
const outcome = await fetchEventData(url, { method: 'GET', onMessage: () => undefined, onError: () => (told = true) }).then(
  () => 'resolved',
  () => 'rejected',
);
report(`onError: ${told}`, `promise: ${outcome}`);
JS
