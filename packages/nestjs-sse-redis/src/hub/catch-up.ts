import type { Connection } from './connection.js';
import type { LogReader } from './log-reader.js';

/**
 * The one catch-up routine: after a reconnect, a lost link, a lost announcement, a slow client's drain.
 *
 * Reads the logs after the cursor until memory holds the rest, delivers that in one step, and is live. Nothing is
 * queued meanwhile. `docs/delivery.md` has the rules, `docs/model/delivery-model.mjs` runs them.
 */
export async function catchUp(connection: Connection, reader: LogReader): Promise<void> {
  while (connection.canCatchUp && !connection.catchUpFromMemory()) {
    try {
      await connection.catchUpFromLogs();
    } catch {
      // Redis does not answer. The stream stays open, and its cursor where it is.
      await reader.retryTime();
    }
  }
}
