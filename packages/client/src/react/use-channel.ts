import { useEffect, useRef } from 'react';
import { toChannelName } from '../client/channel-of.js';
import type { ChannelOptions } from '../client/channel.js';
import type { ChannelRef, EventMap } from '../client/channel-types.js';
import { openChannel, type ChannelHandlers } from '../client/channel-handlers.js';
import type { SseClient } from '../client/sse-client.js';
import { isUsable } from '../client/is-usable.js';
import { useLast } from './use-last.js';

/**
 * Holds a channel for as long as the component is there. Its functions may be new at each rendering: the last ones are called.
 *
 * @param client undefined: not yet
 * @param channel its name, or a reference of `channelOf()`; undefined: none for now
 * @param handlers functions by the types of events, `gap`, `end` and `error` among them
 * @param options of `client.channel()`; those of the rendering in which the channel is first held count
 *
 * @example
 * ```tsx
 * useChannel(client, orders({ id }), { paid: ({ amount }) => setPaid(amount) }, { getState, onState: setOrder });
 * ```
 */
export function useChannel<Events extends EventMap = EventMap, State = unknown>(
  client: SseClient | undefined,
  channel: string | ChannelRef<Events> | undefined,
  handlers: ChannelHandlers<Events>,
  options?: ChannelOptions<State>,
): void {
  useHeldChannel(client, channel, handlers, options);
}

/** @internal @param key the channel is held anew where it changes */
export function useHeldChannel<Events extends EventMap = EventMap, State = unknown>(
  client: SseClient | undefined,
  channel: string | ChannelRef<Events> | undefined,
  handlers: ChannelHandlers<Events>,
  options?: ChannelOptions<State>,
  key?: string,
): void {
  const latest = useRef({ channel, handlers, options });
  useEffect(() => {
    latest.current = { channel, handlers, options };
  });
  const name = channel === undefined ? undefined : toChannelName(channel);
  const before = useLast<{ readonly position: string | undefined }>([client, name, key]);
  useEffect(() => {
    const { channel } = latest.current;
    if (!isUsable(client) || channel === undefined) {
      before.write(undefined);
      return undefined;
    }
    const own = openChannel(
      client,
      channel,
      () => latest.current.handlers,
      () => latest.current.options,
      before.read(),
    );
    return () => {
      before.write({ position: own.position });
      own.close();
    };
    // The name stands for the channel: a reference is a new object each time.
  }, [client, name, key]);
}
