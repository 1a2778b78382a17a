#!/bin/sh
# launchdarkly-eventsource 1.7.4 for Python loses what came in one piece with the event at which a loop over `events` is left. The connection
# stays open and the next loop reads on from it, but behind that piece. The next event moves the last event id beyond the lost one, so that no
# reconnect brings it back. Its documentation invites to "simply read from `SSEClient.events` again".
. "$(dirname "$0")/run.sh"
run 'pip: launchdarkly-eventsource==1.7.4 urllib3==2.8.0' 'first loop: one, last event id 1
second loop: three, last event id 3
requests: 1' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, startServer, stream } from './server.mjs';

const server = await startServer((response) => {
  stream(response, 'id: 1\ndata: one\n\nid: 2\ndata: two\n\n');
  setTimeout(() => response.write('id: 3\ndata: three\n\n'), 2_000);
});
writeFileSync(
  'client.py',
  `import sys
from ld_eventsource import SSEClient

client = SSEClient(sys.argv[1])
for loop in ('first', 'second'):
    for event in client.events:
        print(f'{loop} loop: {event.data}, last event id {client.last_event_id}')
        break
client.close()
`,
);
let text = '';
const client = spawn('python/bin/python', ['client.py', server.url], { stdio: ['ignore', 'pipe', 'inherit'] });
client.stdout.on('data', (data) => (text += data));
await new Promise((resolve) => client.once('close', resolve));
report(text.trim(), `requests: ${server.requests}`);
JS
