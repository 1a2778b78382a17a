#!/bin/sh
# langchain4j-open-ai 1.19.0 for Java passes over the error with which a stream of OpenAI's protocol says that its answer failed, and calls
# `onCompleteResponse()` with the half, as for a whole answer. Where the connection then breaks it calls `onError()`, and `onCompleteResponse()`
# behind it. Servers send such errors where a model breaks off. The program cannot tell the half from a whole answer.
. "$(dirname "$0")/run.sh"
run 'mvn: dev.langchain4j:langchain4j-open-ai:1.19.0 org.slf4j:slf4j-nop:2.0.17' 'the server ends: half, complete: half
the connection breaks: half, error, complete: half' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, sleep, startServer, stream } from './server.mjs';

const half = { id: '1', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content: 'half' } }] };
const error = { error: { message: 'the model is gone', type: 'server_error', code: 'gone', param: null } };
const answer = [half, error].map((data) => `data: ${JSON.stringify(data)}\n\n`).join('');
const server = await startServer(async (response, _count, request) => {
  request.resume();
  stream(response, answer);
  await sleep(300);
  if (request.url.startsWith('/ends')) response.end('data: [DONE]\n\n');
  else response.socket.end();
});
writeFileSync(
  'Main.java',
  `import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;

class Main {
  public static void main(String[] args) throws Exception {
    var model = OpenAiStreamingChatModel.builder().baseUrl(args[0]).apiKey("none").modelName("m").build();
    model.chat("hi", new StreamingChatResponseHandler() {
      public void onPartialResponse(String text) {
        System.out.print(text);
      }
      public void onCompleteResponse(ChatResponse response) {
        System.out.print(", complete: " + response.aiMessage().text());
      }
      public void onError(Throwable error) {
        System.out.print(", error");
      }
    });
    Thread.sleep(4000);
    System.exit(0);
  }
}
`,
);
async function ask(path) {
  let text = '';
  const client = spawn('java', ['-cp', 'lib/*', 'Main.java', server.url + path], { stdio: ['ignore', 'pipe', 'inherit'] });
  client.stdout.on('data', (data) => (text += data));
  await new Promise((resolve) => client.once('close', resolve));
  return text;
}
report(`the server ends: ${await ask('ends')}`, `the connection breaks: ${await ask('breaks')}`);
JS
