#!/bin/sh
# msw 2.15.0 (`setupServer`): a request that is aborted once its answer has begun goes on. Its body brings more, and the mocked stream is not
# cancelled, so that its timer runs for ever. Without msw `read()` rejects with an AbortError, and the server sees the client leave.
. "$(dirname "$0")/run.sh"
run msw@2.15.0 'real: read() AbortError, the server saw it leave: true
mocked: read() data, the stream was cancelled: false' <<'JS'
import { setupServer } from 'msw/node';
import { http, HttpResponse } from 'msw';
import { report, startServer } from './server.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const EVENT = 'data: x\n\n';
let left = false;
const { url } = await startServer((response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const timer = setInterval(() => response.write(EVENT), 50);
  response.on('close', () => {
    left = true;
    clearInterval(timer);
  });
});
let cancelled = false;
const mocks = setupServer(
  http.get('http://mock.test/events', () => {
    let timer;
    const stream = new ReadableStream({
      start(controller) {
        timer = setInterval(() => controller.enqueue(new TextEncoder().encode(EVENT)), 50);
      },
      cancel() {
        cancelled = true;
        clearInterval(timer);
      },
    });
    return new HttpResponse(stream, { headers: { 'content-type': 'text/event-stream' } });
  }),
);

async function readAfterAbort(from) {
  const controller = new AbortController();
  const response = await fetch(from, { signal: controller.signal });
  const reader = response.body.getReader();
  await reader.read();
  controller.abort();
  await sleep(500);
  return reader.read().then(
    ({ done }) => (done ? 'done' : 'data'),
    (error) => error.name,
  );
}

const real = await readAfterAbort(url);
mocks.listen({ onUnhandledRequest: 'bypass' });
const mocked = await readAfterAbort('http://mock.test/events');
report(
  `real: read() ${real}, the server saw it leave: ${left}`,
  `mocked: read() ${mocked}, the stream was cancelled: ${cancelled}`,
);
JS
