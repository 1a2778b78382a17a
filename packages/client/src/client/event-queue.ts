import { SseClientError } from './client-error.js';

/** Events for a reader that takes one after the other. Those that wait are bounded: a reader that is too slow gets an error, and no hole. */
export class EventQueue<Event> implements AsyncIterableIterator<Event> {
  private readonly waiting: Event[] = [];
  private readonly readers: Reader<Event>[] = [];
  private isOver = false;
  private error: Error | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param limit events that may wait
   * @param onOver called when the reader leaves, and when it has been told of the end
   */
  constructor(
    private readonly limit: number,
    private readonly onOver: () => void,
  ) {}

  push(event: Event): void {
    if (this.isOver) return;
    const reader = this.readers.shift();
    if (reader) reader.resolve({ done: false, value: event });
    // The network may bring more at once, before any reader has its turn.
    else if (this.waiting.push(event) > this.limit) this.timer ??= setTimeout(() => this.judge());
  }

  /** A reader that waits for nothing but events has had its turn. */
  private judge(): void {
    this.timer = undefined;
    const { waiting, limit } = this;
    if (this.isOver || waiting.length <= limit) return;
    waiting.length = limit;
    this.end(
      new SseClientError(
        'SLOW_READER',
        `${limit} events wait for this iterator. Read faster, or raise the option maxQueued.`,
      ),
    );
  }

  /** The reader still gets what waits. @param error thrown to it then; without one the loop ends */
  end(error?: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.error = error;
    for (const reader of this.readers.splice(0)) this.finish(reader);
  }

  next(): Promise<IteratorResult<Event>> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length > 0) resolve({ done: false, value: this.waiting.shift()! });
      else if (this.isOver) this.finish({ resolve, reject });
      else this.readers.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<Event>> {
    this.waiting.length = 0;
    this.end();
    this.onOver();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private finish({ resolve, reject }: Reader<Event>): void {
    const { error } = this;
    this.error = undefined;
    if (error) reject(error);
    else resolve({ done: true, value: undefined });
    this.onOver();
  }
}

interface Reader<Event> {
  readonly resolve: (result: IteratorResult<Event>) => void;
  readonly reject: (error: unknown) => void;
}
