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
    if (!handlers.onHead(response.status, (name) => response.headers.get(name))) return;
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
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
