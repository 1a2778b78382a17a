#!/bin/sh
# ngx-sse-client 20.0.1 for Angular: it returns without `Last-Event-ID`, so that events of its absence are lost. It makes one event of two
# where a chunk ends between the two line feeds behind the first, and joins lines of data without a line feed. WHATWG HTML 9.2.6 has
# all three otherwise.
. "$(dirname "$0")/run.sh"
run 'ngx-sse-client@20.0.1 @angular/core@20.3.35 @angular/common@20.3.35 @angular/compiler@20.3.35 @angular/platform-browser@20.3.35 rxjs@7.8.2 happy-dom@21.0.4' 'event 1, of two lines of data: "onetwo", id 1
events 2 and 3, with a chunk that ends in the blank line between them: "[2][3]", id 3
returns with Last-Event-ID undefined' <<'JS'
import { Window } from 'happy-dom';
import { report, sleep, startServer, stream } from './server.mjs';

globalThis.document = new Window({ url: 'http://127.0.0.1/' }).document; // a page
globalThis.ErrorEvent = class extends Event {};
await import('@angular/compiler');
const { provideZonelessChangeDetection } = await import('@angular/core');
const { provideHttpClient, withFetch } = await import('@angular/common/http');
const { createApplication } = await import('@angular/platform-browser');
const { SseClient } = await import('ngx-sse-client');

const requests = [];
const { url } = await startServer(async (response, n, request) => {
  requests.push(request.headers);
  if (n > 1) return;
  for (const chunk of ['id: 1\ndata: one\ndata: two\n\n', 'id: 2\ndata: [2]\n', '\nid: 3\ndata: [3]\n\n']) {
    if (!response.headersSent) stream(response, chunk);
    else response.write(chunk);
    await sleep(200);
  }
  response.socket.destroy();
});
const app = await createApplication({ providers: [provideZonelessChangeDetection(), provideHttpClient(withFetch())] });
const seen = [];
app.injector
  .get(SseClient)
  .stream(url, { reconnectionDelay: 200 })
  .subscribe(({ type, data, lastEventId }) => type === 'message' && seen.push(`${JSON.stringify(data)}, id ${lastEventId}`));
while (requests.length < 2) await sleep(50);
report(
  `event 1, of two lines of data: ${seen[0]}`,
  `events 2 and 3, with a chunk that ends in the blank line between them: ${seen.slice(1).join('; ')}`,
  `returns with Last-Event-ID ${requests[1]['last-event-id']}`,
);
JS
