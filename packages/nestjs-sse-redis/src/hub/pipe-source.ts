import { from, Subject, takeUntil, type Observable } from 'rxjs';
import { InvalidEventError } from '../errors/invalid-event.error.js';
import { SourceFailedError } from '../errors/source-failed.error.js';
import type { SseEventInput } from '../event/sse-event.js';

/** What can be piped into a channel: its items are events, or strings, each the data of an event. */
export type PipeSource = Observable<PipeItem> | AsyncIterable<PipeItem> | Iterable<PipeItem>;
export type PipeItem = SseEventInput | string;

/** How many items of an iterable may wait for Redis before it is asked for more. */
const ENOUGH_WAITING = 1_024;
/** How many items of an Observable may wait for Redis. It cannot be told to wait: if it goes on, it has failed. */
const MAX_WAITING = 16_384;

/** @throws InvalidEventError if it is none */
export function checkSource(source: unknown): void {
  if (typeof source === 'object' && source !== null) {
    if ('subscribe' in source || Symbol.asyncIterator in source || Symbol.iterator in source) return;
  }
  throw new InvalidEventError(
    'hub.pipe() takes an Observable, an async iterable or an iterable of events. To send one event, publish it.',
  );
}

/** Items between their source and Redis, in order: each batch is what gathered while the one before was on its way. */
class Intake<T> {
  private readonly waiting: T[] = [];
  private isOver = false;
  private failure: { readonly error: unknown } | undefined;
  private wake: () => void = () => undefined;
  private makeRoom: () => void = () => undefined;

  constructor(private readonly prepare: (event: SseEventInput) => T) {}

  /** No more items are wanted, or will come. */
  get over(): boolean {
    return this.isOver;
  }

  get length(): number {
    return this.waiting.length;
  }

  put(item: PipeItem): void {
    try {
      this.waiting.push(this.prepare(toEvent(item)));
      this.wake();
    } catch (error) {
      this.end({ error });
    }
  }

  /** What was put before is still taken; then the failure, if it is one, comes out of `drain`. */
  end(failure?: { readonly error: unknown }): void {
    if (this.isOver) return;
    this.isOver = true;
    this.failure = failure;
    this.wake();
    this.makeRoom();
  }

  async room(): Promise<void> {
    if (this.length >= ENOUGH_WAITING && !this.isOver)
      await new Promise<void>((resolve) => (this.makeRoom = resolve));
  }

  async drain(take: (batch: T[]) => Promise<void>): Promise<void> {
    for (;;) {
      if (this.waiting.length > 0) {
        const batch = this.waiting.splice(0);
        this.makeRoom();
        await take(batch);
      } else if (this.isOver) break;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
    if (this.failure) throw this.failure.error;
  }
}

/**
 * Takes the items of a source in order and hands them on in batches, so that a fast source does not wait a round trip
 * for each item.
 *
 * @param prepare makes of an event what is handed on; where it throws, the source is left, and nothing after the item is taken
 * @throws SourceFailedError if the source throws, or an Observable is faster than what takes its items
 * @throws whatever `prepare` or `take` throws
 */
export async function pipeSource<T>(
  source: PipeSource,
  prepare: (event: SseEventInput) => T,
  take: (batch: T[]) => Promise<void>,
): Promise<void> {
  const intake = new Intake(prepare);
  const leave = isObservable(source) ? fromObservable(source, intake) : fromIterable(source, intake);
  try {
    await intake.drain(take);
  } finally {
    intake.end();
    leave();
  }
}

function fromObservable<T>(source: Observable<PipeItem>, intake: Intake<T>): () => void {
  // Not the subscription: a source that emits at once does so before there is one.
  const left = new Subject<void>();
  from(source)
    .pipe(takeUntil(left))
    .subscribe({
      next: (item) => {
        if (intake.length < MAX_WAITING) intake.put(item);
        else {
          const error = asFailure(new Error(`it emitted ${MAX_WAITING} items faster than Redis took them`));
          intake.end({ error });
        }
        if (intake.over) left.next();
      },
      error: (error: unknown) => intake.end({ error: asFailure(error) }),
      complete: () => intake.end(),
    });
  return () => left.next();
}

function fromIterable<T>(
  source: AsyncIterable<PipeItem> | Iterable<PipeItem>,
  intake: Intake<T>,
): () => void {
  const feed = async (): Promise<void> => {
    for await (const item of source) {
      if (!intake.over) intake.put(item);
      await intake.room();
      // Leaving the loop calls the iterator's `return()`, so that a generator can clean up.
      if (intake.over) return;
    }
  };
  feed().then(
    () => intake.end(),
    (error: unknown) => intake.end({ error: asFailure(error) }),
  );
  return () => undefined;
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
