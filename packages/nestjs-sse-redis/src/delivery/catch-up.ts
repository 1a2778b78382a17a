import type { LogReader } from './log-reader.js';

/** A subscriber that catches up: a connection. */
export interface CatchUpTarget {
  /** Whether there is something to catch up with, and the means to. */
  readonly canCatchUp: boolean;
  /** Catches up from memory and goes live, if memory holds all that is missing; returns whether it did. */
  catchUpFromMemory(): boolean;
  /** Reads every channel from where the client stands, and delivers what was read; returns whether it came further. */
  catchUpFromLogs(): Promise<boolean>;
}

/**
 * The one catch-up routine: after a reconnect, a lost link, a lost announcement, a slow client's drain.
 *
 * Reads the logs after the cursor until memory holds the rest, delivers that in one step, and is live. Nothing is
 * queued meanwhile. `docs/delivery.md` has the rules, `docs/model/delivery-model.mjs` runs them.
 */
export async function catchUp(connection: CatchUpTarget, reader: LogReader): Promise<void> {
  while (connection.canCatchUp && !connection.catchUpFromMemory()) {
    // Where Redis does not answer, the stream stays open, and its cursor where it is.
    const advanced = await connection.catchUpFromLogs().catch(() => false);
    if (advanced || !connection.canCatchUp || connection.catchUpFromMemory()) continue;
    await reader.retryTime();
  }
}
