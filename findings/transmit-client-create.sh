#!/bin/sh
# @adonisjs/transmit-client 1.1.0 cannot be made to subscribe again after the renewal of a subscription was refused at a reconnect.
# It calls `onSubscribeFailed`, but goes on with `isCreated` true, so that `create()` sends nothing and the channel stays mute. Nor
# does `delete()` and then `create()` help: the server is asked and accepts, but the client has forgotten the channel and drops what
# comes. Here the server refuses the first renewal with 503, as in a restart. The README says that `create` registers the
# subscription.
. "$(dirname "$0")/run.sh"
run '@adonisjs/transmit-client@1.1.0 eventsource@3.0.7' 'first: subscribe 204; received: 1
reconnected: subscribe 503; onSubscribeFailed; isCreated true; received: none
create(): received: none
delete() and create(): unsubscribe 204, subscribe 204; received: none
of a new client: subscribe 204; received: 5' <<'JS'
import { Transmit } from '@adonisjs/transmit-client';
import { EventSource } from 'eventsource';
import { createServer } from 'node:http';
import { report, sleep, stream } from './server.mjs';

let seen = [];
let refuse = false;
let subscribed = false;
let open;
const server = createServer((request, response) => {
  const action = request.url.match(/__transmit\/(\w+)/)[1];
  if (action === 'events') {
    subscribed = false;
    open = stream(response, 'retry: 100\n\n');
    return;
  }
  const status = refuse ? 503 : 204;
  refuse = false;
  if (status === 204) subscribed = action === 'subscribe';
  seen.push(`${action} ${status}`);
  response.writeHead(status).end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

function connect() {
  const transmit = new Transmit({
    baseUrl: `http://127.0.0.1:${server.address().port}`,
    eventSourceFactory: (url) => new EventSource(url),
    httpClientFactory: (baseUrl, uid) => ({
      send: (request) => fetch(request),
      createRequest: (path, body) => new Request(baseUrl + path, { method: 'POST', body: JSON.stringify({ uid, ...body }) }),
    }),
    onSubscribeFailed: () => seen.push('onSubscribeFailed'),
  });
  const subscription = transmit.subscription('chat');
  let received = 'none';
  subscription.onMessage((message) => (received = message));
  return { transmit, subscription, received: () => received, forget: () => (received = 'none') };
}
let n = 0;
const lines = [];

/** Publishes as a server does, to a client that is subscribed, and says what came of it. */
async function publish(what, client, ...notes) {
  client.forget();
  n++;
  if (subscribed) open.write(`data: ${JSON.stringify({ channel: 'chat', payload: n })}\n\n`);
  await sleep(300);
  const asked = seen.filter((entry) => entry !== 'onSubscribeFailed').join(', ');
  const failed = seen.includes('onSubscribeFailed') ? ['onSubscribeFailed'] : [];
  lines.push(`${what}: ${[...(asked ? [asked] : []), ...failed, ...notes, `received: ${client.received()}`].join('; ')}`);
  seen = [];
}
const client = connect();
await client.subscription.create();
await publish('first', client);
refuse = true;
open.end();
await sleep(1_500);
await publish('reconnected', client, `isCreated ${client.subscription.isCreated}`);
await client.subscription.create();
await publish('create()', client);
await client.subscription.delete();
await client.subscription.create();
await publish('delete() and create()', client);
client.transmit.close();
const other = connect();
await other.subscription.create();
await publish('of a new client', other);
report(...lines);
JS
