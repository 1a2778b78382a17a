import type { IncomingMessage } from 'node:http';

/** The last event id of a request: of its header, or else of its query. */
export function getLastEventId({ headers, url }: IncomingMessage): string | undefined {
  const header = headers['last-event-id'];
  // Node reads headers as Latin-1; clients write this one in UTF-8 (WHATWG HTML 9.2.2).
  if (typeof header === 'string' && header !== '') return Buffer.from(header, 'latin1').toString();
  const query = url?.indexOf('?') ?? -1;
  if (query < 0) return undefined;
  // Not parsed as a URL: a request may ask for `//`, which is not one.
  const ids = new URLSearchParams(url!.slice(query)).getAll('lastEventId');
  // reconnecting-eventsource 1.6 appends the newest id to a URL that may already have the one that the page began with.
  return ids.findLast((id) => id !== '');
}

/** Whether the client prefers a status to an event that says why it is refused (`Prefer`, RFC 7240). */
export function prefersStatus({ headers }: IncomingMessage): boolean {
  return /(^|[,;\s])status($|[,;\s])/i.test(String(headers['prefer'] ?? ''));
}

/** `EventSource` says what it accepts (9.2.2); others may as well, and say that they would rather have a status. */
export function isEventSource(request: IncomingMessage): boolean {
  const accepts = /\btext\/event-stream\b/i.test(request.headers.accept ?? '');
  return request.method === 'GET' && accepts && !prefersStatus(request);
}
