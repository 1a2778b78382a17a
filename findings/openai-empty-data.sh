#!/bin/sh
# openai 6.49.0 ends a stream with a SyntaxError at an event whose data line is empty, and what follows is lost. WHATWG HTML 9.2.6
# dispatches such an event. Servers send it as a sign of life, or to move the client's id. A comment in its place does no harm.
# @ai-sdk/provider-utils 4.0.65 reports one failed part, and goes on.
. "$(dirname "$0")/run.sh"
run 'openai@6.49.0 @ai-sdk/provider-utils@4.0.65 zod@4.6.7' 'openai, comment: one, two
openai, empty event: one, SyntaxError
provider-utils, empty event: one, failed, two' <<'JS'
import { parseJsonEventStream } from '@ai-sdk/provider-utils';
import OpenAI from 'openai';
import { z } from 'zod';
import { report, startServer, stream } from './server.mjs';

console.error = () => undefined;
const part = (content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;

/** The address of a server that answers with two parts, and something between them. */
async function serve(between) {
  const body = `${part('one')}${between}${part('two')}data: [DONE]\n\n`;
  const { url } = await startServer((response) => stream(response, body).end());
  return url;
}

async function ask(between) {
  const client = new OpenAI({ apiKey: 'none', baseURL: await serve(between), maxRetries: 0 });
  const seen = [];
  try {
    const parts = await client.chat.completions.create({ model: 'any', messages: [{ role: 'user', content: 'x' }], stream: true });
    for await (const { choices } of parts) seen.push(choices[0].delta.content);
  } catch (error) {
    seen.push(error.name);
  }
  return seen.join(', ');
}

async function parse(between) {
  const { body } = await fetch(await serve(between));
  const seen = [];
  for await (const { success, value } of parseJsonEventStream({ stream: body, schema: z.any() })) {
    seen.push(success ? value.choices[0].delta.content : 'failed');
  }
  return seen.join(', ');
}

report(
  `openai, comment: ${await ask(': ping\n\n')}`,
  `openai, empty event: ${await ask('event: ping\ndata:\n\n')}`,
  `provider-utils, empty event: ${await parse('event: ping\ndata:\n\n')}`,
);
JS
