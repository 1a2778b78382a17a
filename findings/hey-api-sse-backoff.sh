#!/bin/sh
# The SSE client that @hey-api/openapi-ts 0.99.0 generates counts its attempts for as long as it lives, those that succeeded included. The wait
# after `retry:` doubles with each cut of a stream that worked, and `sseMaxRetryAttempts: 3` ends it at the third cut, though nothing was ever
# refused. Its comment calls the option "Maximum number of retry attempts before giving up". Each request here has its event.
. "$(dirname "$0")/run.sh"
run '@hey-api/openapi-ts@0.99.0 typescript@5.9.3' 'waits in units of `retry:`, after cuts 1 to 5: 1, 2, 4, 8, 16
with sseMaxRetryAttempts 3: events 1, 2, 3, and the stream is over' <<'JS'
import { readFileSync, writeFileSync } from 'node:fs';
import { createClient } from '@hey-api/openapi-ts';
import { transpileModule } from 'typescript';
import { report, startServer, stream } from './server.mjs';

const content = { 'text/event-stream': { schema: { type: 'string' } } };
const get = { operationId: 'news', responses: { 200: { description: 'events', content } } };
const api = { openapi: '3.0.0', info: { title: 'news', version: '1' }, paths: { '/news': { get } } };
writeFileSync('api.json', JSON.stringify(api));
const plugins = ['@hey-api/client-fetch'];
await createClient({ input: 'api.json', output: 'generated', plugins, logs: { level: 'silent' } });
const source = readFileSync('generated/core/serverSentEvents.gen.ts', 'utf8');
const compilerOptions = { target: 'es2022', module: 'esnext' };
writeFileSync('client.mjs', transpileModule(source, { compilerOptions }).outputText);
const { createSseClient } = await import('./client.mjs');

const RETRY = 100;
/** Cuts each stream behind its event. */
const { url } = await startServer((response, n) => {
  stream(response, `retry: ${RETRY}\nid: ${n}\ndata: ${n}\n\n`);
  setTimeout(() => response.destroy(), 50);
});

const waits = [];
const stop = new AbortController();
const sseSleepFn = async (ms) => {
  if (waits.push(ms / RETRY) === 5) stop.abort();
};
for await (const event of createSseClient({ url, signal: stop.signal, sseSleepFn }).stream);

const events = [];
const { stream: limited } = createSseClient({ url, sseMaxRetryAttempts: 3, sseSleepFn: async () => {} });
for await (const event of limited) events.push(event - 5);
report(
  `waits in units of \`retry:\`, after cuts 1 to 5: ${waits.join(', ')}`,
  `with sseMaxRetryAttempts 3: events ${events.join(', ')}, and the stream is over`,
);
JS
