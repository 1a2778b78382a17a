import { filter, firstValueFrom, race, timer, type Observable } from 'rxjs';
import type { StoredRun } from '../broker/run-store.interface.js';
import type { SseEvent } from '../event/sse-event.js';
import { backOffTime } from '../util/back-off.js';
import type { Pause } from '../util/waits.js';
import type { RunEndState, RunOutcome } from './run.types.js';

/** What is asked about a run of any process. */
export interface RunSources {
  /** The newest run of its channel. One whose process is dead is ended. */
  find(): Promise<StoredRun | undefined>;
  /** The events of its channel after its beginning. Completes where the hub closes. */
  observe(): Observable<SseEvent>;
  /** A page of the events of its channel after an id, with the ends of earlier runs. */
  read(after: string): Promise<{ readonly events: readonly SseEvent[]; readonly cursor: string }>;
  /** How to wait before another look. */
  readonly pause: Pause;
  readonly isClosed: () => boolean;
}

/** After which it is looked up again, ms: where Redis lost the run, no end comes. */
const LOOK_EVERY_MS = 10_000;

/** Waits for the end of a run of any process. Never rejects. */
export async function awaitEnd(id: string, sources: RunSources): Promise<RunOutcome> {
  for (let attempt = 0; !sources.isClosed();) {
    // An end that was trimmed, or lost, is told by what is stored.
    const run = await sources.find().catch(() => 'unknown' as const);
    if (run === undefined || (run !== 'unknown' && run.id !== id)) {
      const logged = await findEnd(id, sources).catch(() => 'unknown' as const);
      // Nobody remembers how it ended.
      if (logged !== 'unknown') return logged ?? { state: 'interrupted' };
    } else {
      if (run !== 'unknown' && run.state !== 'running') return { state: run.state };
      const ends = sources.observe().pipe(filter((event) => isEndOf(id, event)));
      const end = await firstValueFrom(race(ends, timer(LOOK_EVERY_MS))).catch(() => undefined);
      if (typeof end === 'object') return toOutcome(end);
      // It was listened for all the time.
      if (end !== undefined) {
        attempt = 0;
        continue;
      }
    }
    await sources.pause(backOffTime(attempt++));
  }
  return { state: 'interrupted' };
}

/** Looks for the end of a run that is no longer stored, or that another one has followed: then observers do not get it. */
export async function findEnd(
  id: string,
  sources: Pick<RunSources, 'read'>,
): Promise<RunOutcome | undefined> {
  for (let after = id; ;) {
    const { events, cursor } = await sources.read(after);
    const end = events.find((event) => isEndOf(id, event));
    if (end) return toOutcome(end);
    if (events.length === 0) return undefined;
    after = cursor;
  }
}

function isEndOf(id: string, { type, data }: SseEvent): boolean {
  return type === 'end' && (data as { readonly run?: unknown } | null)?.run === id;
}

function toOutcome({ data }: SseEvent): RunOutcome {
  return { state: (data as { readonly outcome: RunEndState }).outcome };
}
