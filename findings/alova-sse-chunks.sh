#!/bin/sh
# alova 3.5.5: `useSSE()` forgets what it has of an event where a chunk ends inside it. The event then comes as a `message` in place of its
# own type, without its id, or with the rest of its data alone. Large events, and events behind a proxy, come in several chunks. The
# client returns with the id of an older event. WHATWG HTML 9.2.6 knows lines, and no chunks.
. "$(dirname "$0")/run.sh"
run 'alova@3.5.5 vue@3.5.45' 'event 1, in one chunk: paid "one\ntwo"
event 2, cut behind its name: message "one\ntwo"
event 3, cut between its two lines of data: message "two"
returns with Last-Event-ID 1' <<'JS'
import { report, sleep, startServer, stream } from './server.mjs';

globalThis.window = { location: new URL('http://127.0.0.1/') }; // a page
const { createAlova } = await import('alova');
const { default: adapterFetch } = await import('alova/fetch');
const { useSSE } = await import('alova/client');
const { default: VueHook } = await import('alova/vue');
console.warn = () => undefined; // Vue's, on a hook without a component
const chunks = [
  'id: 1\nevent: paid\ndata: one\ndata: two\n\n',
  ...['id: 2\nevent: paid\n', 'data: one\ndata: two\n\n'],
  ...['id: 3\nevent: paid\ndata: one\n', 'data: two\n\n'],
];
const cuts = ['in one chunk', 'cut behind its name', 'cut between its two lines of data'];
const seen = [];
let returned;
const { url } = await startServer(async (response, n, request) => {
  returned = request.headers['last-event-id'];
  if (n > 1) return;
  stream(response, ': open\n\n');
  for (const chunk of chunks) {
    await sleep(200);
    response.write(chunk);
  }
  await sleep(200);
  response.end();
});
const l2Cache = { get() {}, set() {}, remove() {}, clear() {} }; // in a page it is localStorage
const client = createAlova({ requestAdapter: adapterFetch(), statesHook: VueHook, l2Cache });
const { on, onMessage, onOpen, send } = useSSE(() => client.Get(url));
const note = (type) => ({ data }) => seen.push(`event ${seen.length + 1}, ${cuts[seen.length]}: ${type} ${JSON.stringify(data)}`);
on('paid', note('paid'));
onMessage(note('message'));
onOpen(() => undefined);
send();
while (returned === undefined) await sleep(50);
report(...seen, `returns with Last-Event-ID ${returned}`);
JS
