import { filter, firstValueFrom, race, timer, type Observable } from 'rxjs';
import type { StoredRun } from '../broker/run-store.interface.js';
import type { SseEvent } from '../event/sse-event.js';
import { backOff } from '../util/back-off.js';
import type { RunEndState, RunOutcome } from './run.types.js';

/** What is asked about a run of any process. */
export interface RunSources {
  /** The newest run of its channel. One whose process is dead is ended. */
  find(): Promise<StoredRun | undefined>;
  /** The events of its channel after its beginning. Completes where the hub closes. */
  observe(): Observable<SseEvent>;
  readonly isClosed: () => boolean;
}

/** After which it is looked up again, ms: where Redis lost the run, no end comes. */
const LOOK_EVERY_MS = 10_000;

/** Waits for the end of a run of any process. Never rejects. */
export async function awaitEnd(id: string, sources: RunSources): Promise<RunOutcome> {
  for (let attempt = 0; !sources.isClosed(); attempt++) {
    // An end that was trimmed, or lost, is told by what is stored.
    const run = await sources.find().catch(() => 'unknown' as const);
    if (run === undefined || (run !== 'unknown' && run.id !== id)) break;
    if (run !== 'unknown' && run.state !== 'running') return { state: run.state };
    const isEnd = ({ type, data }: SseEvent) =>
      type === 'end' && (data as { readonly run?: unknown } | null)?.run === id;
    const ends = sources.observe().pipe(filter(isEnd));
    const end = await firstValueFrom(race(ends, timer(LOOK_EVERY_MS))).catch(() => undefined);
    if (typeof end === 'object') return { state: (end.data as { readonly outcome: RunEndState }).outcome };
    await backOff(attempt);
  }
  // Another one has begun, or nobody remembers it.
  return { state: 'interrupted' };
}
