import { InvalidEventError } from '../errors/invalid-event.error.js';
import { SourceFailedError } from '../errors/source-failed.error.js';
import type { SseEventInput } from '../event/sse-event.js';
import type { Observable } from 'rxjs';

/** What can be piped into a channel: its items are events, or strings, each the data of an event. */
export type PipeSource = Observable<PipeItem> | AsyncIterable<PipeItem> | Iterable<PipeItem>;
export type PipeItem = SseEventInput | string;

/** How many items may wait for Redis. An iterable is not asked for more; an Observable that goes on has failed. */
const MAX_WAITING = 1_024;

/**
 * Takes the items of a source in order and hands them on in batches: while one batch is on its way the next one
 * gathers, so that a fast source does not wait a round trip for each item.
 *
 * @throws SourceFailedError if the source throws, or an Observable is faster than what takes its items
 */
export async function pipeSource(
  source: PipeSource,
  take: (batch: SseEventInput[]) => Promise<void>,
): Promise<void> {
  const waiting: SseEventInput[] = [];
  let wakeTaker: () => void = () => undefined;
  let wakeSource: () => void = () => undefined;
  let done = false;
  let failure: SourceFailedError | undefined;
  let stopped = false;

  const put = (item: PipeItem): void => {
    waiting.push(toEvent(item));
    wakeTaker();
  };
  const finish = (error?: unknown): void => {
    done = true;
    if (error !== undefined) failure = asFailure(error);
    wakeTaker();
  };
  const drain = async (): Promise<void> => {
    for (;;) {
      if (waiting.length === 0) {
        if (done) return;
        await new Promise<void>((resolve) => (wakeTaker = resolve));
        continue;
      }
      const batch = waiting.splice(0);
      wakeSource();
      await take(batch);
    }
  };

  let stopSource: () => void;
  if (isObservable(source)) {
    const subscription = source.subscribe({
      next: (item) => {
        if (done) return;
        if (waiting.length >= MAX_WAITING) {
          finish(new Error(`the Observable emitted ${MAX_WAITING} items faster than Redis took them`));
          return;
        }
        try {
          put(item);
        } catch (error) {
          finish(error);
        }
      },
      error: finish,
      complete: () => finish(),
    });
    stopSource = () => subscription.unsubscribe();
  } else {
    const feed = async (): Promise<void> => {
      for await (const item of source) {
        // Leaving the loop calls the iterator's `return()`, so that a generator can clean up.
        if (stopped) return;
        put(item);
        if (waiting.length >= MAX_WAITING) await new Promise<void>((resolve) => (wakeSource = resolve));
      }
    };
    feed().then(() => finish(), finish);
    stopSource = () => wakeSource();
  }

  try {
    await drain();
  } finally {
    stopped = true;
    stopSource();
  }
  if (failure) throw failure;
}

function toEvent(item: PipeItem): SseEventInput {
  if (typeof item === 'string') return { data: item };
  if (typeof item === 'object' && item !== null && 'data' in item) return item;
  throw new InvalidEventError('An item of a piped source is an event { type?, data } or a string.');
}

function asFailure(cause: unknown): SourceFailedError {
  const words = cause instanceof Error ? cause.message : String(cause);
  return new SourceFailedError(`The source piped into the channel failed: ${words}`, { cause });
}

function isObservable(source: PipeSource): source is Observable<PipeItem> {
  return 'subscribe' in source && typeof source.subscribe === 'function';
}
