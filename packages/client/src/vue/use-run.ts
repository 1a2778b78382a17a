import { shallowRef, toValue, type MaybeRefOrGetter, type ShallowRef } from 'vue';
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
  useHeldChannel(
    client,
    channel,
    (event) => (view.value = readRun(view.value, event)),
    () => {
      const id = toValue(after);
      return id === undefined ? undefined : { after: id };
    },
    after,
    // Until now the channel of before was held, and may have brought events since the reference changed.
    () => (view.value = NO_RUN),
  );
  return view;
}
