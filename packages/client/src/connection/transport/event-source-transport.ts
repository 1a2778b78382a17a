import type { OpenStream, StreamHandlers, StreamRequest } from './transport.js';

/**
 * The browser's own `EventSource`, where no headers are needed. It says nothing of statuses, of `retry:` and of comments, and
 * gives out events of the types that somebody listens for.
 *
 * It is closed at its first error: its own reconnect ends for good at any status but 200 (WHATWG HTML 9.2.3).
 */
export function eventSourceStream(
  { url, lastEventId, credentials, types }: StreamRequest,
  handlers: StreamHandlers,
): OpenStream {
  // A new EventSource has no last event id of its own (docs/delivery.md: `?lastEventId=`).
  const source = new EventSource(addQuery(url, lastEventId), { withCredentials: credentials === 'include' });
  source.onopen = () => handlers.onHead(200, () => 'text/event-stream');
  const receive = (event: Event) => {
    const { type, data, lastEventId: id } = event as MessageEvent<string>;
    // `error` is the name of the browser's own event as well, which has no data.
    if (data === undefined) handlers.onEnd('error', new Error('The EventSource failed.'));
    else handlers.onEvent({ type, data, id: id || undefined, channel: undefined });
  };
  const listen = (type: string) => source.addEventListener(type, receive);
  types.forEach(listen);
  return { close: () => source.close(), listen };
}

function addQuery(url: string, lastEventId: string): string {
  if (lastEventId === '') return url;
  const [target, fragment] = url.split('#', 2) as [string, string?];
  const separator = target.includes('?') ? '&' : '?';
  const query = `lastEventId=${encodeURIComponent(lastEventId)}`;
  return `${target}${separator}${query}${fragment === undefined ? '' : `#${fragment}`}`;
}
