import type { Channel, ChannelOptions } from './channel.js';
import type {
  ChannelEvent,
  ChannelRef,
  EventListenerOf,
  EventMap,
  EventOf,
  HubEvents,
} from './channel-types.js';
import type { SseClient } from './sse-client.js';

/** Functions by the types of events, `gap`, `end` and `error` among them; or one for all. */
export type ChannelHandlers<Events extends EventMap = EventMap> =
  | {
      readonly [Type in (keyof Events & string) | keyof HubEvents]?:
        | EventListenerOf<Events, Type>
        | undefined;
    }
  | ((event: EventOf<Events>) => void);

/**
 * Holds a channel whose functions may change meanwhile, for the bindings of frameworks.
 *
 * @param handlers returns the functions that count when an event comes
 * @param options returns the options; its functions are those that count when they are called
 * @param goOn the reader has held the channel before, up to this position
 * @returns the channel. Its position is for the next hold of the same reader
 */
export function openChannel<Events extends EventMap, State>(
  client: SseClient,
  channel: string | ChannelRef<Events>,
  handlers: () => ChannelHandlers<Events>,
  options: () => ChannelOptions<State> | undefined,
  goOn?: { readonly position: string | undefined },
): Pick<Channel, 'close' | 'position'> {
  const first = options();
  const own = client.channel<Events, State>(channel, {
    ...first,
    ...(goOn && { after: goOn.position }),
    // A later rendering may give none, and events would wait for ever for the state after a gap.
    ...(first?.getState && { getState: (signal) => (options()?.getState ?? first.getState!)(signal) }),
    onState: (state) => options()?.onState?.(state),
    onGap: (gap) => options()?.onGap?.(gap),
  });
  own.onEvent((event) => {
    const current = handlers();
    if (typeof current === 'function') {
      current(event);
      return;
    }
    const { type, data } = event as ChannelEvent;
    const functions = current as Readonly<Record<string, (data: unknown, event: ChannelEvent) => void>>;
    if (Object.hasOwn(functions, type)) functions[type]?.(data, event);
  });
  return own;
}
