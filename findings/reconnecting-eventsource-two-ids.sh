#!/bin/sh
# reconnecting-eventsource 1.6.5 begins a new EventSource where the one under it gave up, as after an answer 503. It appends the newest
# id to the URL, also to one that names an id already: the request has `lastEventId` twice, the old one first, which
# `URLSearchParams.get` takes. And it knows the newest id only of events that somebody listens to by `addEventListener`: with
# `onmessage` alone it begins where the page began. The EventSource is that of the package eventsource, 4.1.0.
. "$(dirname "$0")/run.sh"
run 'reconnecting-eventsource@1.6.5 eventsource@4.1.0' 'addEventListener: ?lastEventId=5, 503, ?lastEventId=5&lastEventId=6
onmessage: ?lastEventId=5, 503, ?lastEventId=5' <<'JS'
import { EventSource } from 'eventsource';
import reconnecting from 'reconnecting-eventsource';
import { report, sleep, startServer, stream } from './server.mjs';

const Client = reconnecting.default ?? reconnecting;

async function comeBack(listen) {
  const asked = [];
  const { url } = await startServer((response, n, request) => {
    asked.push(n === 2 ? '503' : request.url.slice(1));
    if (n === 2) return response.writeHead(503).end();
    stream(response, 'retry: 10\nid: 6\ndata: x\n\n');
    if (n === 1) setTimeout(() => response.destroy(), 50);
  });
  const source = new Client(`${url}?lastEventId=5`, { eventSourceClass: EventSource, max_retry_time: 50 });
  source.onerror = () => undefined;
  listen(source);
  while (asked.length < 3) await sleep(10);
  source.close();
  return asked.join(', ');
}
const added = await comeBack((source) => source.addEventListener('message', () => undefined));
const property = await comeBack((source) => (source.onmessage = () => undefined));
report(`addEventListener: ${added}`, `onmessage: ${property}`);
JS
