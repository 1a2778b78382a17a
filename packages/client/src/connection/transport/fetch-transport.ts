import { readRetryAfter } from '../retry-after.js';
import { createBlockParser } from './block-parser.js';
import { isEventStream } from './content-type.js';
import type { OpenStream, StreamHandlers, StreamOutcome, StreamRequest } from './transport.js';

/** Reads the body of a `fetch` as it comes. */
export function fetchStream(request: StreamRequest, handlers: StreamHandlers): OpenStream {
  const controller = new AbortController();
  const { signal } = controller;
  void (async () => {
    let outcome: StreamOutcome;
    try {
      outcome = await read(request, handlers, signal);
    } catch (error) {
      outcome = { type: 'error', error };
    }
    if (signal.aborted) return;
    // A body that nobody reads keeps its connection.
    controller.abort();
    handlers.onClose(outcome);
  })();
  return { close: () => controller.abort() };
}

async function read(
  { url, headers, credentials, fetch: given }: StreamRequest,
  handlers: StreamHandlers,
  signal: AbortSignal,
): Promise<StreamOutcome> {
  const response = await (given ?? fetch)(url, {
    headers,
    signal,
    cache: 'no-store',
    ...(credentials && { credentials }),
  });
  if (signal.aborted) return { type: 'ended' };
  const { status, body } = response;
  if (status !== 200)
    return { type: 'status', status, retryAfter: readRetryAfter(response.headers.get('retry-after')) };
  const contentType = response.headers.get('content-type') ?? '';
  if (!isEventStream(contentType)) return { type: 'content-type', contentType };
  handlers.onOpen();
  const reader = body!.getReader();
  const decoder = new TextDecoder();
  const feed = createBlockParser(handlers);
  for (;;) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return { type: 'ended' };
    handlers.onActivity();
    feed(decoder.decode(value, { stream: true }));
  }
}
