#!/bin/sh
# graphql-sse 2.6.1 loses a result that came whole, if the stream is cut inside the next one. The client hands results over only where a
# chunk ends with a line, and so holds the first one back. WHATWG HTML 9.2.6 dispatches an event at its empty line. The protocol has no
# ids, and a client that returns does not get the result again. Issue 128 of graphql-sse reports results that come late for this reason.
. "$(dirname "$0")/run.sh"
run 'graphql-sse@2.6.1 graphql@16.15.0' 'cut behind result 1: 1, 3, complete
cut inside result 2: 3, complete' <<'JS'
import { createClient } from 'graphql-sse';
import { report, sleep, startServer, stream } from './server.mjs';

const result = (n) => `event: next\ndata: {"data":{"n":${n}}}\n\n`;
const complete = 'event: complete\ndata:\n\n';

/** @param body what the first connection has brought when it is cut */
async function cut(body) {
  const { url } = await startServer(async (response, n) => {
    if (n > 1) return stream(response, result(3) + complete).end();
    stream(response, body);
    await sleep(1_000);
    response.destroy();
  });
  const client = createClient({ url, retry: () => sleep(100) });
  const seen = [];
  await new Promise((resolve) => {
    const end = (text) => resolve(seen.push(text));
    const next = ({ data }) => seen.push(data.n);
    client.subscribe({ query: 'subscription { n }' }, { next, error: ({ message }) => end(message), complete: () => end('complete') });
  });
  return seen.join(', ');
}

report(`cut behind result 1: ${await cut(result(1))}`, `cut inside result 2: ${await cut(`${result(1)}event: ne`)}`);
JS
