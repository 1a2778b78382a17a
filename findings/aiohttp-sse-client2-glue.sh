#!/bin/sh
# aiohttp-sse-client2 0.3.0 for Python glues the half of an event in which a stream ended to the first event of the next stream.
# Here the stream ends after `data: 100`, the start of `data: 1000`. The client returns with the right id, and the server sends
# the event again. The program gets one event with the data `100` and, on a second line, `1000`. WHATWG HTML 9.2.6 drops the lines
# of an event without an empty line at the end of its stream. Each stream starts with an empty data buffer.
. "$(dirname "$0")/run.sh"
run 'pip: aiohttp-sse-client2==0.3.0 aiohttp==3.14.5' 'Last-Event-ID of its requests: none, 1
events: ["start", "100\n1000", "2000"]' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, startServer, stream } from './server.mjs';

const asked = [];
const { url } = await startServer((response, n, request) => {
  asked.push(request.headers['last-event-id'] ?? 'none');
  if (n === 1) stream(response, 'id: 1\ndata: start\n\nid: 2\ndata: 100').end();
  else stream(response, 'id: 2\ndata: 1000\n\nid: 3\ndata: 2000\n\n');
});
writeFileSync(
  'client.py',
  `import asyncio, json, sys
from datetime import timedelta
from aiohttp_sse_client2.client import EventSource
async def main():
    seen = []
    async with EventSource(sys.argv[1], reconnection_time=timedelta(milliseconds=100)) as source:
        async for event in source:
            seen.append(event.data)
            if event.last_event_id == '3':
                break
    print(json.dumps(seen))
asyncio.run(main())
`,
);
let text = '';
const client = spawn('python/bin/python', ['client.py', url], { stdio: ['ignore', 'pipe', 'inherit'] });
client.stdout.on('data', (data) => (text += data));
await new Promise((resolve) => client.once('exit', resolve));
report(`Last-Event-ID of its requests: ${asked.join(', ')}`, `events: ${text.trim()}`);
JS
