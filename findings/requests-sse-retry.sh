#!/bin/sh
# requests-sse 0.5.3 for Python waits twice the time of `retry:` before it returns, and forgets that time once it is connected. After
# the next stream it waits twice its own `reconnection_time`, which is 5 s by default, and 2 s here. The server sends `retry: 300`
# once. WHATWG HTML 9.2.6 keeps the time of `retry:` for the event source, and 9.2.3 waits that long.
. "$(dirname "$0")/run.sh"
run 'pip: requests-sse==0.5.3 requests==2.34.2 urllib3==2.8.0' 'first return after 600 to 4000 ms: true
second return after 4000 ms or more: true' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, startServer, stream } from './server.mjs';

const [ends, waits] = [[], []];
const { url } = await startServer((response, n) => {
  if (n > 1) waits.push(Date.now() - ends.at(-1));
  stream(response, n === 1 ? 'retry: 300\n\ndata: x\n\n' : 'data: x\n\n');
  if (n === 3) return;
  setTimeout(() => {
    ends.push(Date.now());
    response.end();
  }, 300);
});
writeFileSync(
  'client.py',
  `import sys
from datetime import timedelta
from requests_sse import EventSource
with EventSource(sys.argv[1], reconnection_time=timedelta(seconds=2)) as source:
    for number, event in enumerate(source):
        if number == 2:
            break
`,
);
const client = spawn('python/bin/python', ['client.py', url], { stdio: 'inherit' });
await new Promise((resolve) => client.once('exit', resolve));
report(
  `first return after 600 to 4000 ms: ${waits[0] >= 600 && waits[0] < 4_000}`,
  `second return after 4000 ms or more: ${waits[1] >= 4_000}`,
);
JS
