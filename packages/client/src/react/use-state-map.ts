import { useEffect, useRef } from 'react';
import { toChannelName } from '../client/channel-of.js';
import type { EventMap, StateEventOf } from '../client/channel-types.js';
import type { SseClient } from '../client/sse-client.js';
import { NO_STATE_MAP, stateMap, type StateChannel, type StateMapView } from '../client/state-map.js';
import { isUsable } from '../client/is-usable.js';
import { useViewOf } from './use-view-of.js';

/**
 * The map of a state channel, which renders the component anew after changes. Components that show the same channel share its map.
 *
 * @param client undefined: not yet
 * @param channel its name, or a reference of `channelOf()`; undefined: none for now. Of another one the map begins empty
 *
 * @example
 * ```tsx
 * const { map, isLoaded } = useStateMap(client, boards({ id }));
 * return isLoaded ? [...map].map(([key, { data }]) => <Card key={key} x={data.x} />) : <Spinner />;
 * ```
 */
export function useStateMap<Events extends EventMap = EventMap>(
  client: SseClient | undefined,
  channel: StateChannel<Events> | undefined,
): StateMapView<StateEventOf<Events>> {
  const latest = useRef(channel);
  useEffect(() => {
    latest.current = channel;
  });
  const name = channel === undefined ? undefined : toChannelName(channel);
  const [view, setView] = useViewOf<StateMapView<StateEventOf<Events>>>(NO_STATE_MAP, [client, name]);
  useEffect(() => {
    setView(NO_STATE_MAP);
    if (!isUsable(client) || latest.current === undefined) return undefined;
    const own = stateMap(client, latest.current);
    setView(own.view);
    own.onChange(setView);
    return () => own.close();
    // The name stands for the channel: a reference is a new object each time.
  }, [client, name]);
  return view;
}
