#!/bin/sh
# @modelcontextprotocol/sdk 1.32.2 forgets its place where a stream that it resumed ends before an event with an id. Its next attempt
# has no `Last-Event-ID`, and the client misses what was sent meanwhile. Such streams are silent for long, and proxies cut them. WHATWG
# HTML 9.2.6 keeps the last event id across connections, and MCP has clients send it ("Resumability and Redelivery"). Issue 2499 of the
# SDK reports it.
. "$(dirname "$0")/run.sh"
run '@modelcontextprotocol/sdk@1.32.2' 'second stream has an event with an id: asks with none, 1, 2
second stream has a comment alone: asks with none, 1, none' <<'JS'
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { text } from 'node:stream/consumers';
import { report, sleep, startServer, stream } from './server.mjs';

const serverInfo = { name: 'server', version: '1' };

async function answer(request, response) {
  const { id, method, params } = JSON.parse(await text(request));
  if (method !== 'initialize') return response.writeHead(202).end();
  const result = { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}

/** @param second what the second stream brings before it is cut */
async function resume(second) {
  const asked = [];
  const bodies = ['id: 1\ndata:\n\n', second];
  let resolve;
  const third = new Promise((_resolve) => (resolve = _resolve));
  const { url } = await startServer(async (response, _n, request) => {
    if (request.method === 'POST') return answer(request, response);
    asked.push(request.headers['last-event-id'] ?? 'none');
    const body = bodies[asked.length - 1];
    stream(response, body ?? ': hello\n\n');
    if (body === undefined) return resolve();
    await sleep(500);
    response.destroy();
  });
  const delays = { initialReconnectionDelay: 100, maxReconnectionDelay: 100, reconnectionDelayGrowFactor: 1, maxRetries: 9 };
  const transport = new StreamableHTTPClientTransport(new URL(url), { reconnectionOptions: delays });
  const client = new Client({ name: 'client', version: '1' });
  client.onerror = () => undefined;
  await client.connect(transport);
  await third;
  await client.close();
  return `asks with ${asked.join(', ')}`;
}

report(
  `second stream has an event with an id: ${await resume('id: 2\ndata:\n\n')}`,
  `second stream has a comment alone: ${await resume(': nothing new\n\n')}`,
);
JS
