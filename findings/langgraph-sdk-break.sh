#!/bin/sh
# @langchain/langgraph-sdk 1.15.0 leaves the connection open where code leaves a loop over `runs.stream()` or `runs.joinStream()`. The
# server sends on, and no disconnect cancels a run with `onDisconnect: 'cancel'`. By the Streams Standard ("Asynchronous iteration") a
# loop over the body of `fetch()` cancels it when it is left, which closes the connection. Here a `signal` closes it, aborted behind the
# loop.
. "$(dirname "$0")/run.sh"
run '@langchain/langgraph-sdk@1.15.0' 'fetch: closed
joinStream(): open after 5 s
stream(): open after 5 s
joinStream(), then abort: closed' <<'JS'
import { Client } from '@langchain/langgraph-sdk';
import { report, sleep, startServer, stream } from './server.mjs';

const part = 'event: values\ndata: {"n":1}\n\n';

/** @param read leaves a loop over the stream of a server */
async function leave(read) {
  let closed;
  const isClosed = new Promise((resolve) => (closed = resolve));
  const { url } = await startServer((response) => {
    stream(response, part);
    const timer = setInterval(() => response.write(part), 200);
    response.once('close', () => {
      clearInterval(timer);
      closed('closed');
    });
  });
  await read(url.slice(0, -1));
  return Promise.race([isClosed, sleep(5_000).then(() => 'open after 5 s')]);
}

const connect = (apiUrl) => new Client({ apiUrl, apiKey: null }).runs;
async function fetched(url) {
  for await (const _ of (await fetch(url)).body) break;
}
async function joined(url) {
  for await (const _ of connect(url).joinStream('thread', 'run')) break;
}
async function streamed(url) {
  for await (const _ of connect(url).stream('thread', 'agent', { input: {}, onDisconnect: 'cancel' })) break;
}
async function aborted(url) {
  const abort = new AbortController();
  for await (const _ of connect(url).joinStream('thread', 'run', { signal: abort.signal })) break;
  abort.abort();
}

report(
  `fetch: ${await leave(fetched)}`,
  `joinStream(): ${await leave(joined)}`,
  `stream(): ${await leave(streamed)}`,
  `joinStream(), then abort: ${await leave(aborted)}`,
);
JS
