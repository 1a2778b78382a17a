import { InvalidClientOptionsError } from './invalid-client-options.error.js';

/** A line of the client's log. */
export interface ClientLogEntry {
  readonly level: 'debug' | 'warn' | 'error';
  readonly message: string;
  /** Why, where something failed. */
  readonly error?: unknown;
}

export type ClientLog = (entry: ClientLogEntry) => void;

export type TransportName = 'fetch' | 'event-source' | 'xhr';

/** A function is called for each attempt. */
export type PerAttempt<T> = T | (() => T | Promise<T>);

/** Options of one connection. Each has a default that is right in production, but for `url`. */
export interface ConnectionOptions {
  /** Of the stream; relative to the page where there is one. */
  readonly url: PerAttempt<string | URL>;
  /** Headers of each request. `event-source` can send none. */
  readonly headers?: PerAttempt<HeadersInit>;
  /**
   * Sent as `Authorization: Bearer`. It is called for each attempt. With `refresh` the server has refused the last token: after a 401,
   * and after the hub has ended a stream whose token had expired.
   */
  readonly token?: (context: { readonly refresh: boolean }) => string | Promise<string>;
  /** Whether cookies are sent, as for `fetch`. Default: `same-origin`. */
  readonly credentials?: RequestCredentials;
  /** Default: `fetch` where bodies of answers can be read as they come, otherwise `xhr` (React Native). */
  readonly transport?: TransportName;
  /** The first attempt begins after this event. Default: from now on. */
  readonly lastEventId?: string;
  /** ms of silence after which a stream counts as dead. Default: 2.5 heartbeats as the server announced them; 50,000 where it did not. */
  readonly heartbeatTimeout?: number;
  /** ms between attempts. `min` counts until the server has sent `retry:`. Defaults: 1,000 and 30,000. */
  readonly backoff?: { readonly min?: number; readonly max?: number };
  /** ms after which the stream of a hidden page is closed, until the page is shown again. Default: never. */
  readonly closeWhenHidden?: number | false;
  /** The `fetch` to use. Default: the global one. */
  readonly fetch?: typeof fetch;
  /** Receives what happens to the connection. Default: errors go to the console. */
  readonly log?: ClientLog;
}

const TRANSPORTS: readonly unknown[] = [undefined, 'fetch', 'event-source', 'xhr'];
const FUNCTIONS = ['token', 'fetch', 'log'] as const;
/** Timers of more milliseconds fire at once (HTML, "timers": a signed 32-bit number). */
const MAX_MS = 2 ** 31 - 1;

/** @throws InvalidClientOptionsError */
export function checkConnectionOptions(options: ConnectionOptions): void {
  const { url, transport, lastEventId, backoff, closeWhenHidden } = options;
  if (typeof url !== 'function' && !(url instanceof URL) && (typeof url !== 'string' || url === ''))
    throw new InvalidClientOptionsError('url', 'a URL, or a function that returns one', url);
  if (!TRANSPORTS.includes(transport))
    throw new InvalidClientOptionsError('transport', 'fetch, event-source or xhr', transport);
  for (const name of FUNCTIONS) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw new InvalidClientOptionsError(name, 'a function', options[name]);
  }
  if (transport === 'event-source' && (options.headers ?? options.token) !== undefined)
    throw new InvalidClientOptionsError('transport', 'fetch or xhr where headers are sent', transport);
  // The hub answers 204 to it, for ever (docs/delivery.md).
  if (lastEventId === 'dismissed')
    throw new InvalidClientOptionsError('lastEventId', 'the id of an event', lastEventId);
  checkMs('heartbeatTimeout', options.heartbeatTimeout);
  checkMs('backoff.min', backoff?.min);
  checkMs('backoff.max', backoff?.max);
  if (closeWhenHidden !== false) checkMs('closeWhenHidden', closeWhenHidden, 0);
}

function checkMs(option: string, ms: unknown, min = 1): void {
  if (ms === undefined || (typeof ms === 'number' && ms >= min && ms <= MAX_MS)) return;
  throw new InvalidClientOptionsError(option, `milliseconds, from ${min} to ${MAX_MS}`, ms);
}
