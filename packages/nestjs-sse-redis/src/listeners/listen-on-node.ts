import { concatMap, defer, retry } from 'rxjs';
import type { ChannelLike } from '../event/channel-reference.js';
import { observeEvents } from '../hub/observe-events.js';
import type { SseHub } from '../hub/sse-hub.js';
import type { EventHandler } from './event-handler.js';

const AGAIN_AFTER_MS = 1_000;

/** Hands each event of a channel from now on to a method, in this process. @param signal ends it */
export function listenOnNode(
  hub: SseHub,
  channel: ChannelLike,
  handler: EventHandler,
  signal: AbortSignal,
): void {
  let last: string | undefined;
  const events = defer(() =>
    observeEvents(hub.internals, channel, last === undefined ? {} : { after: last }, true),
  );
  const subscription = events
    .pipe(
      concatMap(async (event) => {
        last = event.id;
        await handler.handle(event, signal);
      }),
      retry({ delay: AGAIN_AFTER_MS }),
    )
    .subscribe({ error: (error: unknown) => handler.warn(`It listens no more: ${String(error)}`) });
  signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
}
