import { InvalidClientOptionsError } from './invalid-client-options.error.js';

/** A line of the client's log. */
export interface ClientLogEntry {
  readonly level: 'debug' | 'warn' | 'error';
  readonly message: string;
  /** Why, where something failed. */
  readonly error?: unknown;
}

/** Receives the lines of the client's log. */
export type ClientLog = (entry: ClientLogEntry) => void;

/** How a stream is read. `event-source` sends no headers, and adds no channels; `xhr` is for React Native. */
export type TransportName = 'fetch' | 'event-source' | 'xhr';

/** A function is called for each attempt. */
export type PerAttempt<T> = T | (() => T | Promise<T>);

/** What `new Headers()` takes. `HeadersInit` is a name of the DOM's types alone, which programs for Node have not. */
export type HeadersLike = NonNullable<ConstructorParameters<typeof Headers>[0]>;

/** Options of one connection. Each has a default that is right in production, but for `url`. */
export interface ConnectionOptions {
  /** Of the stream; relative to the page where there is one. */
  readonly url: PerAttempt<string | URL>;
  /** Headers of each request. `event-source` can send none. */
  readonly headers?: PerAttempt<HeadersLike> | undefined;
  /**
   * Sent as `Authorization: Bearer`. It is called for each attempt. With `refresh` the server has refused the last token: after a 401,
   * and after the hub has ended a stream whose token had expired.
   */
  readonly token?: ((context: { readonly refresh: boolean }) => string | Promise<string>) | undefined;
  /** Whether cookies are sent, as for `fetch`. Default: `same-origin`. */
  readonly credentials?: 'omit' | 'same-origin' | 'include' | undefined;
  /** Default: `fetch` where bodies of answers can be read as they come, otherwise `xhr` (React Native). */
  readonly transport?: TransportName | undefined;
  /** The first attempt begins after this event. Default: from now on. */
  readonly lastEventId?: string | undefined;
  /** ms of silence after which a stream counts as dead. Default: 2.5 heartbeats as the server announced them; 50,000 where it did not. */
  readonly heartbeatTimeout?: number | undefined;
  /** ms between attempts. `min` counts until the server has sent `retry:`. Defaults: 1,000 and 30,000. */
  readonly backoff?: { readonly min?: number | undefined; readonly max?: number | undefined } | undefined;
  /** ms after which the stream of a hidden page is closed, until the page is shown again. Default: never. */
  readonly closeWhenHidden?: number | false | undefined;
  /** The `fetch` to use. Default: the global one. */
  readonly fetch?: typeof fetch | undefined;
  /** Receives what happens to the connection. Default: errors go to the console. */
  readonly log?: ClientLog | undefined;
}

/** Timers of more milliseconds fire at once (HTML, "timers": a signed 32-bit number). */
const MAX_MS = 2 ** 31 - 1;

/** @throws InvalidClientOptionsError */
export function checkConnectionOptions(options: ConnectionOptions): void {
  const check = (option: string, value: unknown, expected: string, fits: boolean) => {
    if (value !== undefined && !fits) throw new InvalidClientOptionsError(option, expected, value);
  };
  const checkMs = (option: string, ms: unknown, least = 0) =>
    check(option, ms, `ms from ${least}, below 2^31`, typeof ms === 'number' && ms >= least && ms <= MAX_MS);
  const { url, transport, headers, token, lastEventId, backoff = {}, closeWhenHidden } = options;

  check(
    'url',
    url ?? null,
    'a URL, or a function',
    url instanceof URL || ['string', 'function'].includes(typeof url),
  );
  check('transport', transport, 'fetch, event-source or xhr', /^(fetch|event-source|xhr)$/.test(transport!));
  check('transport', headers ?? token, 'fetch or xhr, to send headers', transport !== 'event-source');
  for (const name of ['token', 'fetch', 'log'] as const)
    check(name, options[name], 'a function', typeof options[name] === 'function');
  // The hub answers 204 to it, for ever (docs/delivery.md).
  check('lastEventId', lastEventId, 'the id of an event', lastEventId !== 'dismissed');
  checkMs('heartbeatTimeout', options.heartbeatTimeout, 1);
  checkMs('backoff.min', backoff.min);
  checkMs('backoff.max', backoff.max);
  if (closeWhenHidden !== false) checkMs('closeWhenHidden', closeWhenHidden);
}
