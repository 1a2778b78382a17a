import { toValue, watch, type MaybeRefOrGetter } from 'vue';
import { openChannel, type ChannelHandlers } from '../client/channel-handlers.js';
import { toChannelName } from '../client/channel-of.js';
import type { ChannelOptions } from '../client/channel.js';
import type { ChannelRef, EventMap } from '../client/channel-types.js';
import { isUsable } from '../client/is-usable.js';
import type { SseClient } from '../client/sse-client.js';

/**
 * Holds a channel for as long as the component is there, and another one where the reference changes.
 *
 * @param client undefined: not yet
 * @param channel its name, or a reference of `channelOf()`; undefined: none for now
 * @param handlers functions by the types of events, `gap`, `end` and `error` among them
 * @param options of `client.channel()`
 *
 * @example
 * ```ts
 * useChannel(client, () => orders({ id: props.id }), { paid: ({ amount }) => (paid.value = amount) });
 * ```
 */
export function useChannel<Events extends EventMap = EventMap, State = unknown>(
  client: MaybeRefOrGetter<SseClient | undefined>,
  channel: MaybeRefOrGetter<string | ChannelRef<Events> | undefined>,
  handlers: ChannelHandlers<Events>,
  options?: MaybeRefOrGetter<ChannelOptions<State> | undefined>,
): void {
  useHeldChannel(client, channel, handlers, options);
}

/** @internal @param key the channel is held anew where it changes @param begin called before it is held, and where none is */
export function useHeldChannel<Events extends EventMap = EventMap, State = unknown>(
  client: MaybeRefOrGetter<SseClient | undefined>,
  channel: MaybeRefOrGetter<string | ChannelRef<Events> | undefined>,
  handlers: ChannelHandlers<Events>,
  options?: MaybeRefOrGetter<ChannelOptions<State> | undefined>,
  key?: MaybeRefOrGetter<string | undefined>,
  begin?: () => void,
): void {
  const toName = (): string | undefined => {
    const current = toValue(channel);
    return current === undefined ? undefined : toChannelName(current);
  };
  watch(
    // The name stands for the channel: a reference may be a new object each time.
    [() => toValue(client), toName, () => toValue(key)] as const,
    ([current], _before, onCleanup) => {
      begin?.();
      const reference = toValue(channel);
      if (!isUsable(current) || reference === undefined) return;
      const own = openChannel(
        current,
        reference,
        () => handlers,
        () => toValue(options),
      );
      onCleanup(() => own.close());
    },
    { immediate: true },
  );
}
