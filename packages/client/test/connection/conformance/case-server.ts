import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { RawServer } from '../../fixtures/raw-server.js';
import type { CaseAnswer } from './conformance-case.js';
import { cases } from './run-cases.js';

/** Serves the cases at `/case/` and their number. */
export function startCaseServer(): Promise<RawServer> {
  const requests = new Map<string, number>();
  return RawServer.start((request, response) => {
    const [, , name, ...rest] = request.url!.split('/');
    const key = `${name} ${request.headers['user-agent']}`;
    const n = (requests.get(key) ?? 0) + 1;
    requests.set(key, n);
    const { headers } = request;
    const id = headers['last-event-id'] as string | undefined;
    const answer = cases[Number(name)]!.answer({
      n,
      lastEventId: id === undefined ? undefined : Buffer.from(id, 'latin1').toString(),
      accept: headers.accept,
      cacheControl: headers['cache-control'],
      rest: rest.join('/'),
    });
    void send(request, response, answer);
  });
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status = 200, headers = {}, chunks = [], ends = true }: CaseAnswer,
): Promise<void> {
  response.setHeader('content-type', 'text/event-stream');
  for (const [name, value] of Object.entries(headers)) {
    if (value === '') response.removeHeader(name);
    // `#` is the address of the case.
    else response.setHeader(name, value.replace('#', request.url!));
  }
  response.writeHead(status);
  response.flushHeaders();
  for (const chunk of chunks) {
    response.write(typeof chunk === 'string' ? chunk : Uint8Array.from(chunk));
    // Chunks that are written in one turn may leave in one segment.
    await turn();
  }
  if (ends) response.end();
}
