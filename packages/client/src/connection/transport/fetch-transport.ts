import type { OpenStream, StreamHandlers, StreamRequest } from './transport.js';

/** Reads the body of a `fetch` as it comes. */
export function fetchStream(
  { url, headers, credentials, fetch: given }: StreamRequest,
  handlers: StreamHandlers,
): OpenStream {
  const controller = new AbortController();
  const read = async () => {
    const response = await (given ?? fetch)(url, {
      headers,
      signal: controller.signal,
      cache: 'no-store',
      ...(credentials && { credentials }),
    });
    // Before the stream counts as open: behind a `fetch` without bodies each attempt would succeed, and nobody be told.
    const reader = response.status === 200 && response.body!.getReader();
    if (!handlers.onHead(response.status, (name) => response.headers.get(name))) return;
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await (reader as ReadableStreamDefaultReader<Uint8Array>).read();
      if (done) return;
      handlers.onText(decoder.decode(value, { stream: true }));
    }
  };
  read().then(
    () => handlers.onEnd('ended'),
    (error: unknown) => handlers.onEnd('error', error),
  );
  return { close: () => controller.abort() };
}
