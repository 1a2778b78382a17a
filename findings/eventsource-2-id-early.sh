#!/bin/sh
# eventsource 2.0.2 remembers the id of an event when its line has come, and not when the event is dispatched. Where a stream ends behind
# the line `id: 3`, the client asks for what follows 3, and the event 3 itself is never seen. Where some of its data had come, these
# become the beginning of event 4. WHATWG HTML 9.2.6 sets the last event ID of the source in the step that dispatches the event, and
# discards an event that is not whole ("Once the end of the file is reached, any pending data must be discarded"). eventsource 3.0.7
# keeps to it. The first line of most servers' events is the id.
. "$(dirname "$0")/run.sh"
run 'eventsource-2@npm:eventsource@2.0.2 eventsource-3@npm:eventsource@3.0.7' 'eventsource 2, cut behind the line of the id: came back with 3, got ["1","2","4"]
eventsource 2, cut behind the first line of the data: came back with 3, got ["1","2","3\n4"]
eventsource 3, cut behind the line of the id: came back with 2, got ["1","2","3","4"]
eventsource 3, cut behind the first line of the data: came back with 2, got ["1","2","3","4"]' <<'JS'
import Second from 'eventsource-2';
import { EventSource as Third } from 'eventsource-3';
import { report, sleep, startServer } from './server.mjs';

const block = (n) => `id: ${n}\ndata: ${n}\n\n`;

async function cut(name, EventSource, where, part) {
  let came;
  const { url } = await startServer((response, n, request) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (n === 1) {
      response.write(`retry: 50\n\n${block(1)}${block(2)}`);
      setTimeout(() => response.end(part), 100);
      return;
    }
    came ??= request.headers['last-event-id'];
    response.write([1, 2, 3, 4].filter((i) => i > Number(came)).map(block).join(''));
  });
  const got = [];
  const source = new EventSource(url);
  source.onmessage = ({ data }) => got.push(data);
  await sleep(1_500);
  source.close();
  return `${name}, cut behind ${where}: came back with ${came}, got ${JSON.stringify(got)}`;
}

const lines = [];
for (const [name, EventSource] of [
  ['eventsource 2', Second],
  ['eventsource 3', Third],
]) {
  lines.push(await cut(name, EventSource, 'the line of the id', 'id: 3\n'));
  lines.push(await cut(name, EventSource, 'the first line of the data', 'id: 3\ndata: 3\n'));
}
report(...lines);
JS
