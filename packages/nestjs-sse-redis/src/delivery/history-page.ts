import type { SseEvent } from '../event/sse-event.js';

/** Some of the retained events of a channel. */
export interface HistoryPage<Event = SseEvent> {
  /** In the order in which they were published. */
  readonly events: readonly Event[];
  /** Where the page ends: go on reading, or open a stream, after this id. */
  readonly cursor: string;
  /** Events after `after` were no longer retained, or a failover lost them; of a state channel: removals may be missing, read it from `'start'`. */
  readonly gap: boolean;
}
