import { useEffect } from 'react';
import { toChannelName } from '../client/channel-of.js';
import type { ChannelRef } from '../client/channel-types.js';
import { NO_RUN, readRun, type RunView } from '../client/run-text.js';
import type { SseClient } from '../client/sse-client.js';
import { useHeldChannel } from './use-channel.js';
import { useLast } from './use-last.js';
import { useViewOf } from './use-view-of.js';

/**
 * The run of a channel: its text so far, and how it is.
 *
 * @param client undefined: not yet
 * @param channel undefined: none for now
 * @param after an id from before the run, such as the `id` that `hub.run()` returned. Undefined: from now on. Where it changes, the text begins
 * anew
 * @example const { text, state } = useRun(client, `answer:${id}`, run.id);
 */
export function useRun(
  client: SseClient | undefined,
  channel: string | ChannelRef | undefined,
  after?: string,
): RunView {
  const name = channel === undefined ? undefined : toChannelName(channel);
  const [view, setView] = useViewOf(NO_RUN, [client, name, after]);
  const begun = useLast<true>([client, name, after]);
  useEffect(() => {
    // Where `<Activity>` shows it again, the channel goes on.
    if (!begun.read()) setView(NO_RUN);
    begun.write(true);
  }, [client, name, after]);
  useHeldChannel(
    client,
    channel,
    (event) => setView((before) => readRun(before, event)),
    after === undefined ? undefined : { after },
    after,
  );
  return view;
}
