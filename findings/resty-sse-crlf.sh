#!/bin/sh
# resty 3.0.0-rc.4 for Go: `SSESource` hands over no event of a stream whose lines end in CR LF, and no error. It looks for two LF in a row, and
# keeps all that comes until 32 kB are full. sse-starlette, a server in Python, ends lines so by default. WHATWG HTML 9.2.5 has CR LF, LF and CR.
. "$(dirname "$0")/run.sh"
run 'go: resty.dev/v3@v3.0.0-rc.4' 'LF: one two
CR LF: nothing, 3 s later' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, sleep, startServer, stream } from './server.mjs';

writeFileSync(
  'go/main.go',
  `package main

import (
	"fmt"
	"os"

	"resty.dev/v3"
)

func main() {
	source := resty.NewSSESource().SetURL(os.Args[1])
	source.OnMessage(func(event any) { fmt.Println(event.(*resty.SSE).Data) }, nil)
	source.OnError(func(err error) { fmt.Println("error:", err) })
	fmt.Println("returned:", source.Get())
}
`,
);
const build = spawn('go', ['build', '-o', 'client', '.'], { cwd: 'go', stdio: ['ignore', 'ignore', 'inherit'] });
await new Promise((resolve) => build.once('close', resolve));

/** What the client prints of two events within three seconds. */
async function read(end) {
  const { url } = await startServer((response) =>
    stream(response, ['data: one', '', 'data: two', '', ''].join(end)),
  );
  let text = '';
  const client = spawn('go/client', [url], { stdio: ['ignore', 'pipe', 'inherit'] });
  client.stdout.on('data', (data) => (text += data));
  await sleep(3_000);
  client.kill();
  return text.trim().replaceAll('\n', ' ') || 'nothing, 3 s later';
}

report(`LF: ${await read('\n')}`, `CR LF: ${await read('\r\n')}`);
JS
