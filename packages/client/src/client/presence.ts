import type { ConnectionState } from '../connection/connection-state.js';
import { listen } from '../connection/listen.js';
import { SseClientError } from './client-error.js';

/** Who is on a channel, as `registry.presence()` of the server returns it. */
export interface Presence {
  readonly users: readonly { readonly user: string; readonly connections: number }[];
  /** All connections of the channel. */
  readonly connections: number;
  /** Connections of nobody in particular. */
  readonly anonymous: number;
}

/** Who was on a channel when the page asked last. */
export interface PresenceView extends Presence {
  /** False until the first answer has come. */
  readonly isLoaded: boolean;
  /** Why the last attempt failed; the rest is from before. */
  readonly error?: unknown;
}

/** Gets the presence, from a route of the application. */
export type LoadPresence = (signal: AbortSignal) => Promise<Presence>;

/** Options of `usePresence()`. */
export interface PresenceOptions {
  /** ms between two loads, while the page is shown. Default 10,000, at least 500. */
  readonly interval?: number | undefined;
}

/** What is asked of a client: its connection says when the page is back. */
interface Connected {
  readonly state: ConnectionState;
  onState(listener: (state: ConnectionState) => void): () => void;
}

export const NO_PRESENCE: PresenceView = { users: [], connections: 0, anonymous: 0, isLoaded: false };

const INTERVAL = 10_000;
const SHORTEST = 500;

/**
 * Loads the presence when the stream opens, when the page is shown, and every `interval` while it is.
 *
 * @param load is called once at a time
 * @returns a function that ends it
 * @throws SseClientError for an interval that is too short
 */
export function watchPresence(
  client: Connected,
  load: LoadPresence,
  onChange: (view: PresenceView) => void,
  { interval = INTERVAL }: PresenceOptions = {},
): () => void {
  if (!(interval >= SHORTEST && interval < 2 ** 31))
    throw new SseClientError('INVALID_PRESENCE_OPTIONS', `interval takes ms, ${SHORTEST} or more.`);
  const ended = new AbortController();
  const { signal } = ended;
  const page = (globalThis as Partial<typeof globalThis>).document;
  let view = NO_PRESENCE;
  let isLoading = false;
  const isShown = () => page?.visibilityState !== 'hidden';
  const refresh = async (): Promise<void> => {
    if (isLoading || !isShown()) return;
    isLoading = true;
    try {
      view = { ...toPresence(await load(signal)), isLoaded: true };
    } catch (error) {
      view = { ...view, error };
    }
    isLoading = false;
    if (!signal.aborted) onChange(view);
  };
  const timer = setInterval(() => void refresh(), interval);
  const offPage = listen(page ?? {}, 'visibilitychange', () => void refresh());
  const off = client.onState(({ status }) => {
    if (status === 'open') void refresh();
  });
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    off();
    offPage();
  });
  if (client.state.status === 'open') void refresh();
  return () => ended.abort();
}

/** An error that a guard or a proxy answers as JSON would take away what is known. @throws TypeError */
function toPresence(answer: Presence | null): Presence {
  if (Array.isArray(answer?.users)) return answer;
  throw new TypeError(
    'load has to return what registry.presence() returned: { users, connections, anonymous }.',
  );
}
