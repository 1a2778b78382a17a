import { setTimeout as delay } from 'node:timers/promises';
import { readUnacknowledged, type UnacknowledgedEntry } from '../response/tcp-table.js';
import type { ClientConnection } from './client-connection.js';

/** A proxy that still waits for its client says so at the second write (measured: HAProxy, Apache). */
const SECOND_BEAT_MS = 300;
const LOOK_MS = 200;
/** A mobile client may take seconds to wake its radio. With the command and the registration the proof stays below 5 s. */
const LONGEST_MS = 3_000;

/**
 * Sends connections their positions, and finds those whose machines do not acknowledge them.
 *
 * @param isAvailable whether the kernel says what is acknowledged. If not, a write that failed is the only sign
 * @returns the connections that are not proven alive
 */
export async function findVanished(
  connections: readonly ClientConnection[],
  isAvailable: boolean,
): Promise<ClientConnection[]> {
  const began = performance.now();
  for (const connection of connections) connection.beat();
  await delay(SECOND_BEAT_MS);
  for (const connection of connections) connection.beat();
  let doubtful = connections.filter(({ isClosed }) => !isClosed);
  const looks = new Map<string, Look>();
  do {
    await delay(LOOK_MS);
    doubtful = doubtful.filter(({ isClosed }) => !isClosed);
    const entries = isAvailable ? await readEntries(doubtful) : NO_ENTRIES;
    if (entries === undefined) return [];
    doubtful = doubtful.filter((connection) => isDoubtful(connection, entries, looks));
  } while (doubtful.length > 0 && performance.now() - began < LONGEST_MS);
  return doubtful.filter((connection) => isUnanswered(connection, looks));
}

/** What is known of a connection that is not proven alive. */
interface Look {
  /** At the first look. */
  readonly acknowledged: number;
  /** At the last one. */
  unanswered: number;
}

const NO_ENTRIES: ReadonlyMap<string, UnacknowledgedEntry> = new Map();

/** Returns the entries of some connections; undefined where the table cannot be read. */
async function readEntries(
  connections: readonly ClientConnection[],
): Promise<ReadonlyMap<string, UnacknowledgedEntry> | undefined> {
  const keys = new Set(connections.map(({ tcpKey }) => tcpKey));
  try {
    const entries = await readUnacknowledged();
    return new Map(entries.filter(({ key }) => keys.has(key)).map((entry) => [entry.key, entry]));
  } catch {
    return undefined;
  }
}

/** Nothing was acknowledged since the first look. */
function isDoubtful(
  { tcpKey, bytesSent, response }: ClientConnection,
  entries: ReadonlyMap<string, UnacknowledgedEntry>,
  looks: Map<string, Look>,
): boolean {
  if (response.gone) return true;
  const entry = tcpKey === undefined ? undefined : entries.get(tcpKey);
  if (entry === undefined) return false;
  const acknowledged = bytesSent - entry.bytes;
  const look = looks.get(entry.key);
  if (look === undefined) looks.set(entry.key, { acknowledged, unanswered: entry.unanswered });
  else look.unanswered = entry.unanswered;
  return look === undefined || acknowledged <= look.acknowledged;
}

/** A machine that answers, and takes nothing, is there. */
function isUnanswered({ tcpKey, response }: ClientConnection, looks: ReadonlyMap<string, Look>): boolean {
  return response.gone || (looks.get(tcpKey ?? '')?.unanswered ?? 0) > 0;
}
