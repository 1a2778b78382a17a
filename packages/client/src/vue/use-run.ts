import { shallowRef, toValue, watch, type MaybeRefOrGetter, type ShallowRef } from 'vue';
import { toChannelName } from '../client/channel-of.js';
import type { ChannelRef } from '../client/channel-types.js';
import { NO_RUN, readRun, type RunView } from '../client/run-text.js';
import type { SseClient } from '../client/sse-client.js';
import { useHeldChannel } from './use-channel.js';

/**
 * The run of a channel: its text so far, and how it is.
 *
 * @param client undefined: not yet
 * @param channel undefined: none for now
 * @param after an id from before the run, such as the `id` that `hub.run()` returned. Undefined: from now on. Where it changes, the text begins
 * anew
 * @example const run = useRun(client, () => `answer:${props.id}`); // {{ run.text }}
 */
export function useRun(
  client: MaybeRefOrGetter<SseClient | undefined>,
  channel: MaybeRefOrGetter<string | ChannelRef | undefined>,
  after?: MaybeRefOrGetter<string | undefined>,
): Readonly<ShallowRef<RunView>> {
  const view = shallowRef(NO_RUN);
  watch(
    [
      () => toValue(client),
      () => {
        const current = toValue(channel);
        return current === undefined ? undefined : toChannelName(current);
      },
      () => toValue(after),
    ],
    () => (view.value = NO_RUN),
    // Before the channel is held: its first events are not to be lost.
    { flush: 'sync' },
  );
  useHeldChannel(
    client,
    channel,
    (event) => (view.value = readRun(view.value, event)),
    () => {
      const id = toValue(after);
      return id === undefined ? undefined : { after: id };
    },
    after,
  );
  return view;
}
