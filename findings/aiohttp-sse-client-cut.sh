#!/bin/sh
# aiohttp-sse-client 0.2.1 for Python returns after a stream that ended, and not after one that was cut, as when its server is killed: the loop
# over the events throws a ClientPayloadError. WHATWG HTML 9.2.3 reestablishes the connection in both cases.
. "$(dirname "$0")/run.sh"
run 'pip: aiohttp-sse-client==0.2.1 aiohttp==3.14.5' 'Last-Event-ID of its requests: none, 1
seen: one, two, ClientPayloadError' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, startServer, stream } from './server.mjs';

const asked = [];
const { url } = await startServer((response, n, request) => {
  asked.push(request.headers['last-event-id'] ?? 'none');
  if (n === 1) stream(response, 'retry: 100\nid: 1\ndata: one\n\n').end();
  else {
    stream(response, 'id: 2\ndata: two\n\n');
    setTimeout(() => response.destroy(), 200);
  }
});
writeFileSync(
  'client.py',
  `import asyncio, sys
from datetime import timedelta
from aiohttp_sse_client.client import EventSource
async def main():
    async with EventSource(sys.argv[1], reconnection_time=timedelta(milliseconds=100)) as source:
        async for event in source:
            print(event.data, flush=True)
try:
    asyncio.run(main())
except Exception as error:
    print(type(error).__name__)
`,
);
let text = '';
const client = spawn('python/bin/python', ['client.py', url], { stdio: ['ignore', 'pipe', 'inherit'] });
client.stdout.on('data', (data) => (text += data));
await new Promise((resolve) => client.once('exit', resolve));
report(`Last-Event-ID of its requests: ${asked.join(', ')}`, `seen: ${text.trim().split('\n').join(', ')}`);
JS
