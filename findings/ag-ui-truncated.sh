#!/bin/sh
# @ag-ui/client 1.0.0 takes a stream that ends before its run does for a whole answer. `runAgent()` resolves, and only the missing call of
# `onRunFinishedEvent` tells the two apart. AG-UI calls such a run truncated (specification 1.1, "Transports", "Truncation"), and forbids a
# consumer to report it as having succeeded. A server that leaves its generator in the midst of an answer ends the stream so.
. "$(dirname "$0")/run.sh"
run '@ag-ui/client@1.0.0' 'whole: "one two", finished, finalized, resolved
ends with an error: "one ", error, finalized, resolved
ends early: "one ", finalized, resolved' <<'JS'
import { HttpAgent } from '@ag-ui/client';
import { report, startServer, stream } from './server.mjs';

const run = { threadId: 't', runId: 'r' };
const part = (delta) => ({ type: 'TEXT_MESSAGE_CONTENT', messageId: 'm', delta });
const beginning = [{ type: 'RUN_STARTED', ...run }, { type: 'TEXT_MESSAGE_START', messageId: 'm', role: 'assistant' }, part('one ')];
const end = [part('two'), { type: 'TEXT_MESSAGE_END', messageId: 'm' }, { type: 'RUN_FINISHED', ...run }];

async function ask(events) {
  const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
  const { url } = await startServer((response) => stream(response, body).end());
  const seen = [];
  const subscriber = {
    onRunFinishedEvent: () => void seen.push('finished'),
    onRunErrorEvent: () => void seen.push('error'),
    onRunFailed: () => void seen.push('failed'),
    onRunFinalized: () => void seen.push('finalized'),
  };
  const agent = new HttpAgent({ url, threadId: 't' });
  await agent.runAgent({ runId: 'r' }, subscriber).then(
    ({ newMessages }) => seen.unshift(JSON.stringify(newMessages[0].content)) && seen.push('resolved'),
    () => seen.push('rejected'),
  );
  return seen.join(', ');
}

report(
  `whole: ${await ask([...beginning, ...end])}`,
  `ends with an error: ${await ask([...beginning, { type: 'RUN_ERROR', message: 'no' }])}`,
  `ends early: ${await ask(beginning)}`,
);
JS
