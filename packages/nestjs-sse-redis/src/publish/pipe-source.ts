import { types } from 'node:util';
import { from, Subject, takeUntil, throwError, type Observable } from 'rxjs';
import { InvalidEventError } from '../errors/invalid-event.error.js';
import { SourceFailedError } from '../errors/source-failed.error.js';
import { handleRejection } from '../event/refused-promise.js';
import type { SseEventInput } from '../event/sse-event.js';
import { PipeQueue, type Failure } from './pipe-queue.js';

/** A source that can be piped into a channel: its items are events, or strings, each the data of an event. */
export type PipeSource<Item = PipeItem> = Observable<Item> | AsyncIterable<Item> | Iterable<Item>;
/** An item of a source: an event, or a string, which is the data of one. */
export type PipeItem = SseEventInput | string;

/** How many items of an Observable may wait for Redis. It cannot be told to wait: if it goes on, it has failed. */
const MAX_WAITING = 16_384;

/** How many fields of an item that is no event a message names. */
const MAX_SHOWN_FIELDS = 8;

type ItemQueue = PipeQueue<PipeItem, unknown>;
/** Leaves a source. Resolves when the source has cleaned up; called again, it is the same promise. */
type Leave = () => Promise<void>;

/** @param what takes it, for the message @throws InvalidEventError if it is none */
export function checkSource(source: unknown, what = 'hub.pipe()'): void {
  if (typeof source === 'object' && source !== null) {
    if ('subscribe' in source || Symbol.asyncIterator in source || Symbol.iterator in source) return;
  }
  throw new InvalidEventError(
    `${what} takes an Observable, an async iterable or an iterable of events. To send one event, publish it.`,
  );
}

/**
 * Takes the items of a source in order and hands them on in batches: a fast source does not wait a round trip for each.
 */
export class OpenSource<T> {
  private readonly intake: PipeQueue<PipeItem, T>;
  private readonly leave: Leave;

  /**
   * @param prepare makes of an event what is handed on; where it throws, the source is left, and nothing after the item is taken
   * @param onEnd called when the source gives nothing more
   */
  constructor(source: PipeSource, prepare: (event: SseEventInput) => T, onEnd?: () => void) {
    this.intake = new PipeQueue((item) => prepare(toEvent(item)));
    if (onEnd) this.intake.onEnd = onEnd;
    this.leave = isObservable(source)
      ? fromObservable(source, this.intake)
      : fromIterable(source, this.intake);
  }

  /** It gave all that it had. */
  get isEnded(): boolean {
    return this.intake.isEnded;
  }

  /**
   * @throws SourceFailedError if the source throws, or an Observable is faster than what takes its items
   * @throws whatever `prepare` or `take` throws, and the reason of `interrupt`
   */
  async drain(take: (batch: T[]) => Promise<void>): Promise<void> {
    try {
      await this.intake.drain(take);
    } finally {
      void this.leave();
    }
  }

  /**
   * Leaves the source after what it has given was taken. Then `drain` throws the reason, unless the source ended by itself.
   *
   * @param patience is awaited in the place of a taking or a source that hangs
   */
  async interrupt(reason: Error, patience: Promise<unknown>): Promise<void> {
    // First what it gave: its clean-up may publish to the same channel, and that comes later.
    await Promise.race([this.intake.stop({ error: reason }), patience]);
    if (!this.intake.isEnded) await Promise.race([this.leave(), patience]);
    this.intake.end({ error: reason });
  }
}

function fromObservable(source: Observable<PipeItem>, intake: ItemQueue): Leave {
  // Not the subscription: a source that emits at once does so before there is one.
  const left = new Subject<void>();
  let isLeft = false;
  const leave = async (): Promise<void> => {
    isLeft = true;
    left.next();
    await Promise.resolve();
  };
  readItems(source)
    .pipe(takeUntil(left))
    .subscribe({
      next: (item) => {
        if (intake.length < MAX_WAITING) intake.put(item);
        else {
          const error = asFailure(new Error(`it emitted ${MAX_WAITING} items faster than Redis took them`));
          intake.end({ error });
        }
        if (intake.isEnded) void leave();
      },
      error: (error: unknown) => intake.end({ error: asFailure(error) }),
      // `takeUntil` completes what it leaves, which is no end of the source.
      complete: () => isLeft || intake.end(),
    });
  return leave;
}

function readItems(source: Observable<PipeItem>): Observable<PipeItem> {
  try {
    return from(source);
  } catch (error) {
    // It has a `subscribe`, and is no Observable.
    return throwError(() => error);
  }
}

function fromIterable(source: AsyncIterable<PipeItem> | Iterable<PipeItem>, intake: ItemQueue): Leave {
  let iterator: AsyncIterator<PipeItem>;
  try {
    iterator = getIterator(source);
  } catch (error) {
    intake.end({ error: asFailure(error) });
    return () => Promise.resolve();
  }
  const reading = new IterableReading(iterator, intake);
  void reading.run();
  return () => reading.leave();
}

/** The reading of an iterable, which is asked for an item when there is room for it. */
class IterableReading {
  private isOver = false;
  private leaving: Promise<void> | undefined;
  /** A generator answers in turn: its answer to a question from before `return()` is its own course (ECMA-262, 27.6.3). */
  private readonly isGenerator: boolean;

  constructor(
    private readonly iterator: AsyncIterator<PipeItem>,
    private readonly intake: ItemQueue,
  ) {
    this.isGenerator = Object.prototype.toString.call(iterator) === '[object AsyncGenerator]';
  }

  async run(): Promise<void> {
    try {
      while (!this.intake.over) {
        const { done, value } = await this.iterator.next();
        if (done === true) return this.end();
        this.intake.put(value);
        await this.intake.room();
      }
      if (this.intake.isEnded) await this.leave();
    } catch (error) {
      this.end({ error: asFailure(error) });
    }
  }

  /** Not by leaving a loop over the items: a source that waits for its next item would not be left before that. */
  leave(): Promise<void> {
    return (this.leaving ??= this.isOver ? Promise.resolve() : getReturn(this.iterator));
  }

  private end(failure?: Failure): void {
    this.isOver = true;
    if (this.leaving === undefined || this.isGenerator) this.intake.end(failure);
  }
}

function getIterator(source: AsyncIterable<PipeItem> | Iterable<PipeItem>): AsyncIterator<PipeItem> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : iterate(source);
}

async function* iterate(source: Iterable<PipeItem>): AsyncGenerator<PipeItem> {
  yield* source;
}

/** The words of a source that fails while it is left are of no use: the pipe has failed, or was interrupted, before. */
async function getReturn(iterator: AsyncIterator<PipeItem>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    return;
  }
}

function toEvent(item: PipeItem): SseEventInput {
  if (typeof item === 'string') return { data: item };
  if (typeof item === 'object' && item !== null && 'data' in item) {
    handleRejection(item);
    // An event of `hub.events()` has more, which is not published.
    return { data: item.data, ...(item.type !== undefined && { type: item.type }) };
  }
  throw new InvalidEventError(
    `An item of a piped source is an event { type?, data } or a string, it got ${describeItem(item)}.`,
  );
}

/** Without its values, which may be secret. */
function describeItem(item: unknown): string {
  if (types.isUint8Array(item)) return 'bytes: decode them, a web stream with new TextDecoderStream()';
  if (typeof item !== 'object' || item === null) return item === null ? 'null' : `one of type ${typeof item}`;
  if (Array.isArray(item)) return 'an array';
  const fields = Object.keys(item).slice(0, MAX_SHOWN_FIELDS);
  return fields.length > 0 ? `an object with ${fields.join(', ')}` : 'an object without data';
}

function asFailure(cause: unknown): SourceFailedError {
  const words = cause instanceof Error ? cause.message : String(cause);
  return new SourceFailedError(`The source piped into the channel failed: ${words}`, { cause });
}

function isObservable(source: PipeSource): source is Observable<PipeItem> {
  return 'subscribe' in source && typeof source.subscribe === 'function';
}
