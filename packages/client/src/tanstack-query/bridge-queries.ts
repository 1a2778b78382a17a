import type { Channel } from '../client/channel.js';
import type { ChannelEvent, EventMap, HubEvents } from '../client/channel-types.js';
import { QueryBatch, type QueryChanges, type QueryClientLike } from './query-batch.js';

/** Functions by the types of events, `gap`, `end` and `error` among them: what an event does to queries. */
export type QueryHandlers<Events extends EventMap> = {
  readonly [Type in (keyof Events & string) | keyof HubEvents]?:
    | ((
        data: Type extends keyof HubEvents ? HubEvents[Type] : Events[Type],
        queries: QueryChanges,
        event: ChannelEvent,
      ) => void)
    | undefined;
};

/**
 * Lets the events of a channel change queries of TanStack Query, once a frame.
 *
 * @param queries the application's `QueryClient`
 * @param channel is closed by the application
 * @param onError receives what a function or an updater throws. Default: the console
 * @returns a function that ends it. What has been gathered is done before
 * @example
 * ```ts
 * const stop = bridgeQueries(queryClient, client.channel(orders({ id })), {
 *   paid: ({ amount }, queries) => queries.set<Order>(['order', id], (order) => order && { ...order, paid: amount }),
 *   shipped: (_, queries) => queries.invalidate(['shipments']),
 *   gap: (_, queries) => queries.invalidate(['order', id]),
 * });
 * ```
 */
export function bridgeQueries<Events extends EventMap = EventMap>(
  queries: QueryClientLike,
  channel: Channel<Events>,
  handlers: QueryHandlers<Events>,
  onError: (error: unknown) => void = reportToConsole,
): () => void {
  const batch = new QueryBatch(queries, onError);
  const off = channel.onEvent((received) => {
    const event = received as ChannelEvent;
    if (!Object.hasOwn(handlers, event.type)) return;
    const handle = handlers[event.type as keyof typeof handlers] as
      | ((data: unknown, queries: QueryChanges, event: ChannelEvent) => void)
      | undefined;
    try {
      handle?.(event.data, batch, event);
    } catch (error) {
      onError(error);
    }
  });
  return () => {
    off();
    batch.flush();
  };
}

function reportToConsole(error: unknown): void {
  // An error of the application's that nobody sees would be lost.
  console.error('A function of bridgeQueries() has thrown.', error); // oxlint-disable-line no-console
}
