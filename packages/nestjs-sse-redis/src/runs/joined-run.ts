import { filter, firstValueFrom, type Observable } from 'rxjs';
import type { RunStore } from '../broker/run-store.interface.js';
import type { SseEvent } from '../event/sse-event.js';
import { backOff } from '../util/back-off.js';
import type { RunEndState, RunOutcome } from './run.types.js';

/** What is asked about a run of any process. */
export interface RunSources {
  readonly store: RunStore;
  /** The events of its channel after its beginning. Completes where the hub closes. */
  observe(): Observable<SseEvent>;
  readonly isClosed: () => boolean;
}

/** Waits for the end of a run of any process. Never rejects. */
export async function awaitEnd(id: string, channel: string, sources: RunSources): Promise<RunOutcome> {
  for (let attempt = 0; !sources.isClosed(); attempt++) {
    // An end that was trimmed, or lost, is told by what is stored.
    const run = await sources.store.get(channel).catch(() => 'unknown' as const);
    if (run === undefined || (run !== 'unknown' && run.id !== id)) break;
    if (run !== 'unknown' && run.state !== 'running') return { state: run.state };
    const isEnd = ({ type, data }: SseEvent) =>
      type === 'end' && (data as { readonly run?: unknown } | null)?.run === id;
    const end = await firstValueFrom(sources.observe().pipe(filter(isEnd))).catch(() => undefined);
    if (end) return { state: (end.data as { readonly outcome: RunEndState }).outcome };
    await backOff(attempt);
  }
  // Another one has begun, or nobody remembers it.
  return { state: 'interrupted' };
}
