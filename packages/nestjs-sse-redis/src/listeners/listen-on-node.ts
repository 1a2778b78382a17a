import { concatMap, defer, retry } from 'rxjs';
import { observeLog } from '../hub/observe-events.js';
import type { SseHub } from '../hub/sse-hub.js';
import type { EventHandler } from './event-handler.js';
import type { ListenedLog } from './listened-log.js';

const AGAIN_AFTER_MS = 1_000;

/**
 * Hands each event of a log from now on to a method, in this process.
 *
 * @param signal ends it
 * @returns resolves when all that is published from then on is heard
 */
export function listenOnNode(
  hub: SseHub,
  { name, toEvent }: ListenedLog,
  handler: EventHandler,
  signal: AbortSignal,
): Promise<void> {
  let last: string | undefined;
  let onLive: (() => void) | undefined;
  const begun = new Promise<void>((resolve) => (onLive = resolve));
  const events = defer(() =>
    observeLog(hub.internals, name, last === undefined ? {} : { after: last }, { isEndless: true, onLive }),
  );
  const subscription = events
    .pipe(
      concatMap(async (event) => {
        last = event.id;
        await handler.handle(toEvent(event), signal);
      }),
      retry({ delay: AGAIN_AFTER_MS }),
    )
    .subscribe({ error: (error: unknown) => handler.warn(`It listens no more: ${String(error)}`) });
  signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
  return begun;
}
