#!/bin/sh
# sashabaranov/go-openai 1.43.0 for Go loses the error with which a server ends a stream, if a comment came before it. `Recv()` returns a
# SyntaxError of an empty text in place of the server's words. It gathers lines that are no data, to read the error from them, and a comment
# is among them. WHATWG HTML 9.2.6 ignores comments, and servers send them while a model thinks. Without one the words are there.
. "$(dirname "$0")/run.sh"
run 'go: github.com/sashabaranov/go-openai@v1.43.0' 'no comment: half, then: error, the model is gone
a comment: half, then: unexpected end of JSON input' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, startServer, stream } from './server.mjs';

const half = { id: '1', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content: 'half' } }] };
const error = { error: { message: 'the model is gone', type: 'server_error', code: 'gone', param: null } };
const answer = [half, error].map((data) => `data: ${JSON.stringify(data)}\n\n`).join('');
const server = await startServer((response, _count, request) =>
  stream(response, `${request.url.startsWith('/comment') ? ': thinking\n\n' : ''}${answer}data: [DONE]\n\n`).end(),
);
writeFileSync(
  'go/main.go',
  `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/sashabaranov/go-openai"
)

func main() {
	config := openai.DefaultConfig("none")
	config.BaseURL = os.Args[1]
	request := openai.ChatCompletionRequest{Model: "m", Messages: []openai.ChatCompletionMessage{{Role: "user", Content: "hi"}}}
	stream, _ := openai.NewClientWithConfig(config).CreateChatCompletionStream(context.Background(), request)
	for {
		chunk, err := stream.Recv()
		if err != nil {
			fmt.Printf(", then: %v", err)
			return
		}
		fmt.Print(chunk.Choices[0].Delta.Content)
	}
}
`,
);
async function ask(path) {
  let text = '';
  const client = spawn('go', ['run', '.', server.url + path], { cwd: 'go', stdio: ['ignore', 'pipe', 'inherit'] });
  client.stdout.on('data', (data) => (text += data));
  await new Promise((resolve) => client.once('close', resolve));
  return text;
}
report(`no comment: ${await ask('plain')}`, `a comment: ${await ask('comment')}`);
JS
