/** A state, and the position up to which it has what events say. */
export interface Snapshot<State> {
  readonly state: State;
  /** As `hub.cursor()` returned it before the state was read. */
  readonly cursor: string;
}

/**
 * Gets a state whose route has `@SseSnapshot()` at the server.
 *
 * @param init as for `fetch`; the signal of `getState` belongs there
 * @returns the body as JSON, and the header `Sse-Cursor`
 * @throws Error where the answer is none, or has no such header
 * @example client.channel(orders({ id: 7 }), { getState: (signal) => fetchState<Order>('/orders/7', { signal }), onState: render })
 */
export async function fetchState<State = unknown>(
  url: string | URL,
  init?: RequestInit,
): Promise<Snapshot<State>> {
  const response = await fetch(url, { cache: 'no-store', ...init });
  if (!response.ok) throw new Error(`The state of ${url} was answered ${response.status}.`);
  const cursor = response.headers.get('sse-cursor');
  if (cursor === null)
    throw new Error(
      `The answer of ${url} has no header Sse-Cursor. Mark its route @SseSnapshot(), and keep it out of a CacheInterceptor; from another origin, expose the header (exposedHeaders).`,
    );
  return { state: (await response.json()) as State, cursor };
}
