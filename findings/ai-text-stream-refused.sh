#!/bin/sh
# ai 7.0.173: `textStream` of streamText() ends as if the answer were whole where the model refuses, and where its stream has an `error` part. Where
# the connection of the model breaks, the same `textStream` throws.
. "$(dirname "$0")/run.sh"
run ai@7.0.173 'the model refuses: textStream gives "", and ends
the stream has an error: textStream gives "half ", and ends
the connection breaks: textStream gives "half ", and throws' <<'JS'
import { streamText } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { report } from './server.mjs';

const parts = [
  { type: 'stream-start', warnings: [] },
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'half ' },
];
// One part for each pull, so that all of them are read before the end.
const streamOf = (end) => {
  const waiting = [...parts];
  return new ReadableStream({
    pull: (controller) => (waiting.length > 0 ? controller.enqueue(waiting.shift()) : end(controller)),
  });
};
const models = {
  'the model refuses': () => Promise.reject(new Error('429')),
  'the stream has an error': () =>
    Promise.resolve({
      stream: streamOf((controller) => {
        controller.enqueue({ type: 'error', error: new Error('overloaded') });
        controller.close();
      }),
    }),
  'the connection breaks': () =>
    Promise.resolve({ stream: streamOf((controller) => controller.error(new TypeError('terminated'))) }),
};

async function read(doStream) {
  const model = new MockLanguageModelV4({ doStream });
  const { textStream } = streamText({ model, prompt: 'hello', maxRetries: 0, onError() {} });
  let text = '';
  try {
    for await (const delta of textStream) text += delta;
  } catch {
    return `gives ${JSON.stringify(text)}, and throws`;
  }
  return `gives ${JSON.stringify(text)}, and ends`;
}

const seen = [];
for (const [name, doStream] of Object.entries(models)) seen.push(`${name}: textStream ${await read(doStream)}`);
report(...seen);
JS
