#!/bin/sh
# sse-pubsub 1.4.5 sends events again that a client has had, where the client is subscribed to some event names only. It counts
# all events since `Last-Event-ID`, and sends that many of the subscribed ones. Here two prices come, then two articles. A client of
# prices that comes back with the id of the second price gets both again. A client of all names gets what it missed.
. "$(dirname "$0")/run.sh"
run sse-pubsub@1.4.5 'prices alone, back with id 2: 1 price, 2 price
all names, back with id 2: 3 article, 4 article' <<'JS'
import { get } from 'node:http';
import Channel from 'sse-pubsub';
import { report, sleep, startServer } from './server.mjs';

const channel = new Channel({ pingInterval: 0 });
const { url } = await startServer((response, _n, request) => {
  channel.subscribe(request, response, request.url === '/prices' ? ['price'] : undefined);
});
for (const name of ['price', 'price', 'article', 'article']) channel.publish('x', name);

/** The events that a client is sent when it comes back. */
async function comeBack(path) {
  let text = '';
  get(new URL(path, url), { headers: { 'last-event-id': '2' } }, (response) => response.on('data', (data) => (text += data)));
  await sleep(1_000);
  return Array.from(text.matchAll(/id: (.*)\nevent: (.*)\n/g), ([, id, name]) => `${id} ${name}`).join(', ');
}
report(`prices alone, back with id 2: ${await comeBack('/prices')}`, `all names, back with id 2: ${await comeBack('/')}`);
JS
