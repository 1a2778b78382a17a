#!/bin/sh
# tmaxmax/go-sse 0.12.0 for Go does not return after an answer for which `ResponseValidator` returns an error with `Temporary()`, although its
# documentation says that such an error decides whether the connection is attempted again. `Connect()` ends at the first 503.
. "$(dirname "$0")/run.sh"
run 'go: github.com/tmaxmax/go-sse@v0.12.0' 'Connect() returned: away, temporary true
requests: 1' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, startServer } from './server.mjs';

const server = await startServer((response) => response.writeHead(503).end());
writeFileSync(
  'go/main.go',
  `package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/tmaxmax/go-sse"
)

type away struct{}

func (away) Error() string   { return "away" }
func (away) Temporary() bool { return true }

func main() {
	client := &sse.Client{
		ResponseValidator: func(*http.Response) error { return away{} },
		Backoff:           sse.Backoff{InitialInterval: 100 * time.Millisecond, MaxRetries: 5},
	}
	request, _ := http.NewRequest(http.MethodGet, os.Args[1], http.NoBody)
	err := client.NewConnection(request).Connect()
	var cause interface{ Temporary() bool }
	fmt.Printf("%v, temporary %v", errors.Unwrap(err), errors.As(err, &cause) && cause.Temporary())
}
`,
);
let text = '';
const client = spawn('go', ['run', '.', server.url], { cwd: 'go', stdio: ['ignore', 'pipe', 'inherit'] });
client.stdout.on('data', (data) => (text += data));
await new Promise((resolve) => client.once('close', resolve));
report(`Connect() returned: ${text}`, `requests: ${server.requests}`);
JS
