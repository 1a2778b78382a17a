#!/bin/sh
# sseclient 0.0.27 for Python, with requests 2.34.2 and urllib3 2.8.0, drops the rest of an event whose bytes come in two chunks of
# `Transfer-Encoding: chunked`. It reads past urllib3's decoding, so that the size of the next chunk is a line to it. The server
# sends an event in one write, then another in two. nginx 1.22.1 hands on an event that is larger than its buffer in such pieces.
. "$(dirname "$0")/run.sh"
run 'pip: sseclient==0.0.27 requests==2.34.2 urllib3==2.8.0 six==1.17.0' 'in one chunk: hello world
in two chunks: hello' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, sleep, startServer, stream } from './server.mjs';

const { url } = await startServer(async (response) => {
  stream(response, 'data: hello world\n\n');
  await sleep(300);
  response.write('data: hello');
  await sleep(300);
  response.write(' world\n\n');
});
writeFileSync(
  'client.py',
  `import sys
from sseclient import SSEClient
for number, event in enumerate(SSEClient(sys.argv[1])):
    print(event.data, flush=True)
    if number:
        break
`,
);
let text = '';
const client = spawn('python/bin/python', ['client.py', url], { stdio: ['ignore', 'pipe', 'inherit'] });
client.stdout.on('data', (data) => (text += data));
await new Promise((resolve) => client.once('exit', resolve));
const [whole, cut] = text.trim().split('\n');
report(`in one chunk: ${whole}`, `in two chunks: ${cut}`);
JS
