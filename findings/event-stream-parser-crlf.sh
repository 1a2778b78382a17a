#!/bin/sh
# event-stream-parser 1.0.2 takes CR LF for two line ends, if a chunk ends between the two. It reads the LF as an empty line, and
# so dispatches in the middle of an event. Here it loses the name of the first event, and makes two of the second. In one chunk
# the same bytes are read rightly. WHATWG HTML 9.2.5 has CR LF as one line end, whatever chunks a stream comes in. The package
# says that it follows that standard. A network cuts a stream anywhere.
. "$(dirname "$0")/run.sh"
run event-stream-parser@1.0.2 'in one chunk: price "10"; note "one\ntwo"
cut between CR and LF: message "10"; note "one"; message "two"' <<'JS'
import eventStreamParser from 'event-stream-parser';
import { report, sleep, startServer } from './server.mjs';

const chunks = ['event: price\r', '\ndata: 10\r\n\r\nevent: note\r\ndata: one\r', '\ndata: two\r\n\r\n'];
const { url } = await startServer(async (response, n) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const chunk of n === 1 ? [chunks.join('')] : chunks) {
    response.write(chunk);
    await sleep(300);
  }
  response.end();
});

/** What the parser makes of the stream. */
async function read() {
  const { body } = await fetch(url);
  const seen = [];
  for await (const { type, data } of await eventStreamParser.parse(body)) seen.push(`${type} ${JSON.stringify(data)}`);
  return seen.join('; ');
}
report(`in one chunk: ${await read()}`, `cut between CR and LF: ${await read()}`);
JS
