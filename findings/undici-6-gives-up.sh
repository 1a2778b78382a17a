#!/bin/sh
# The EventSource of undici 6.29.1 makes no further attempt after one that is refused, and dispatches no event of that
# end: the last `error` has the readyState 0 (connecting). WHATWG HTML 9.2.3 goes on trying. undici 7.30.2 does.
. "$(dirname "$0")/run.sh"
run 'undici-6@npm:undici@6.29.1 undici-7@npm:undici@7.30.2' 'undici 6: readyState in error listeners only 0: true, requests after 3 s: 1
undici 7: readyState in error listeners only 0: true, requests after 3 s: 2' <<'JS'
import { createServer } from 'node:http';
import { EventSource as EventSource6 } from 'undici-6';
import { EventSource as EventSource7 } from 'undici-7';
import { report, sleep } from './server.mjs';

/** A server that is gone for a second, as in a restart. */
async function watch(name, EventSource) {
  let requests = 0;
  const sockets = new Set();
  const listen = (port) =>
    new Promise((resolve) => {
      const server = createServer((_request, response) => {
        requests++;
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 200\n\ndata: x\n\n');
      });
      server.on('connection', (socket) => sockets.add(socket));
      server.listen(port, '127.0.0.1', () => resolve(server));
    });
  const server = await listen(0);
  const { port } = server.address();
  const source = new EventSource(`http://127.0.0.1:${port}/`);
  const states = [];
  source.onerror = () => states.push(source.readyState);
  await new Promise((resolve) => (source.onmessage = resolve));
  server.close();
  for (const socket of sockets) socket.destroy();
  await sleep(1_000);
  await listen(port);
  await sleep(3_000);
  return `${name}: readyState in error listeners only 0: ${states.every((state) => state === 0)}, requests after 3 s: ${requests}`;
}
report(...(await Promise.all([watch('undici 6', EventSource6), watch('undici 7', EventSource7)])));
JS
