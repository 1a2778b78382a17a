import { shallowRef, toValue, watch, type MaybeRefOrGetter, type ShallowRef } from 'vue';
import { toChannelName } from '../client/channel-of.js';
import type { EventMap, StateEventOf } from '../client/channel-types.js';
import { isUsable } from '../client/is-usable.js';
import type { SseClient } from '../client/sse-client.js';
import { NO_STATE_MAP, stateMap, type StateChannel, type StateMapView } from '../client/state-map.js';

/**
 * The map of a state channel. Components that show the same channel share its map.
 *
 * @param client undefined: not yet
 * @param channel its name, or a reference of `channelOf()`; undefined: none for now. Of another one the map begins empty
 *
 * @example
 * ```ts
 * const board = useStateMap(client, () => boards({ id: props.id })); // v-for="[key, { data }] in board.map"
 * ```
 */
export function useStateMap<Events extends EventMap = EventMap>(
  client: MaybeRefOrGetter<SseClient | undefined>,
  channel: MaybeRefOrGetter<StateChannel<Events> | undefined>,
): Readonly<ShallowRef<StateMapView<StateEventOf<Events>>>> {
  const view = shallowRef<StateMapView<StateEventOf<Events>>>(NO_STATE_MAP);
  const toName = (): string | undefined => {
    const current = toValue(channel);
    return current === undefined ? undefined : toChannelName(current);
  };
  watch(
    // The name stands for the channel: a reference may be a new object each time.
    [() => toValue(client), toName] as const,
    ([current], _before, onCleanup) => {
      view.value = NO_STATE_MAP;
      const reference = toValue(channel);
      if (!isUsable(current) || reference === undefined) return;
      const own = stateMap(current, reference);
      view.value = own.view;
      own.onChange((changed) => (view.value = changed));
      onCleanup(() => own.close());
    },
    { immediate: true },
  );
  return view;
}
