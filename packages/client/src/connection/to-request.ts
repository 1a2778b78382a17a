import type { ConnectionOptions, PerAttempt } from './connection-options.js';
import type { StreamRequest } from './transport/transport.js';

/** Makes the request of one attempt. It rejects with what the application's functions throw. */
export async function toRequest(
  options: ConnectionOptions,
  lastEventId: string,
  refresh: boolean,
  types: ReadonlySet<string>,
): Promise<StreamRequest> {
  const url = String(await call(options.url));
  const headers = new Headers(await call(options.headers));
  const token = await options.token?.({ refresh });
  if (!headers.has('accept')) headers.set('accept', 'text/event-stream');
  // Without types, `localStorage.getItem()` says null.
  if (token) headers.set('authorization', `Bearer ${token}`);
  if (lastEventId !== '') headers.set('last-event-id', toByteString(lastEventId));
  const { credentials, fetch } = options;
  return { url, headers, lastEventId, credentials, fetch, types };
}

async function call<T>(value: PerAttempt<T>): Promise<T> {
  return typeof value === 'function' ? await (value as () => T | Promise<T>)() : value;
}

/** The id goes out in UTF-8 (WHATWG HTML 9.2.3), and `Headers` takes a character a byte. */
function toByteString(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
