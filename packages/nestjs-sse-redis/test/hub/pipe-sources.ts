import { type PipeItem } from 'nestjs-sse-redis';

export class Tap {
  returned = false;
  asked = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly items: readonly PipeItem[]) {}

  /** Lets the source go on to its next item. */
  flow(): void {
    this.waiting.shift()?.();
  }

  async *source(): AsyncGenerator<PipeItem> {
    try {
      for (const item of this.items) {
        this.asked++;
        await new Promise<void>((resolve) => this.waiting.push(resolve));
        yield item;
      }
    } finally {
      this.returned = true;
    }
  }
}

export const items: readonly PipeItem[] = [
  'plain',
  { type: 'typed', data: { a: 1 } },
  '',
  { data: null },
  'a\nb',
];
export const asData = ['plain', { a: 1 }, '', null, 'a\nb'];

export async function* generate<T>(values: Iterable<T>): AsyncGenerator<T> {
  for (const value of values) {
    await Promise.resolve();
    yield value;
  }
}

export async function* failLater(cause: unknown): AsyncGenerator<string> {
  yield 'before';
  await Promise.resolve();
  throw cause;
}

export function* failAfterwards(cause: unknown): Generator<string> {
  yield 'before';
  throw cause;
}
