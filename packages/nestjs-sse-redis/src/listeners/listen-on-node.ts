import { concatMap, defer, retry } from 'rxjs';
import { Backlog } from '../delivery/backlog.js';
import { observeLog } from '../hub/observe-events.js';
import type { SseHub } from '../hub/sse-hub.js';
import type { EventHandler } from './event-handler.js';
import type { ListenedLog } from './listened-log.js';

const AGAIN_AFTER_MS = 1_000;
/** Bytes of events that wait for a method. */
const MOST_WAITING = 16 * 1_048_576;

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
  const events = defer(() => {
    const backlog = new Backlog(MOST_WAITING);
    const start = last === undefined ? {} : { after: last };
    return observeLog(hub.internals, name, start, { isEndless: true, onLive, backlog }).pipe(
      concatMap(async (event) => {
        last = event.id;
        await handler.handle(toEvent(event), signal);
        backlog.done();
      }),
    );
  });
  const subscription = events
    .pipe(retry({ delay: AGAIN_AFTER_MS }))
    .subscribe({ error: (error: unknown) => handler.warn(`It listens no more: ${String(error)}`) });
  signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
  return begun;
}
