#!/bin/sh
# launchdarkly-eventsource 1.7.4 for Python ignores `retry:`, although the documentation of `SSEClient` says that it overrides the option
# `initial_retry_delay`. The server asks for 100 ms and ends each stream. The client waits a second, then two: its own delay, doubled.
. "$(dirname "$0")/run.sh"
run 'pip: launchdarkly-eventsource==1.7.4 urllib3==2.8.0' 'event 1, then it waits 1 s
event 2, then it waits 2 s' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, startServer, stream } from './server.mjs';

const { url } = await startServer((response, n) => stream(response, `retry: 100\n\nid: ${n}\ndata: ${n}\n\n`).end());
writeFileSync(
  'client.py',
  `import sys
from ld_eventsource import SSEClient
from ld_eventsource.actions import Event, Fault
from ld_eventsource.config import ErrorStrategy, RetryDelayStrategy

client = SSEClient(
    sys.argv[1],
    error_strategy=ErrorStrategy.always_continue(),
    retry_delay_strategy=RetryDelayStrategy.default(jitter_multiplier=0),
)
faults = 0
for action in client.all:
    if isinstance(action, Event):
        print(f'event {action.data}', end='')
    elif isinstance(action, Fault):
        print(f', then it waits {client.next_retry_delay} s')
        faults += 1
        if faults == 2:
            break
client.close()
`,
);
let text = '';
const client = spawn('python/bin/python', ['client.py', url], { stdio: ['ignore', 'pipe', 'inherit'] });
client.stdout.on('data', (data) => (text += data));
await new Promise((resolve) => client.once('close', resolve));
report(text.trim());
JS
