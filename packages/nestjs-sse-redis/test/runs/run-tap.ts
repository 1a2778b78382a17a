import type { PipeItem, RunSource } from 'nestjs-sse-redis';
import { EventEmitter, once } from 'node:events';

/** A source that gives what it is told to, and notes what is done to it. */
export class RunTap {
  readonly signals: AbortSignal[] = [];
  isLeft = false;
  private readonly items: PipeItem[] = [];
  private readonly woken = new EventEmitter();
  private isOver = false;
  private failure: Error | undefined;

  readonly source: RunSource = (signal) => {
    this.signals.push(signal);
    return this.generate(signal);
  };

  give(...items: PipeItem[]): void {
    this.items.push(...items);
    this.woken.emit('item');
  }

  end(failure?: Error): void {
    this.isOver = true;
    this.failure = failure;
    this.woken.emit('item');
  }

  private async *generate(signal: AbortSignal): AsyncGenerator<PipeItem> {
    try {
      for (;;) {
        while (this.items.length > 0) yield this.items.shift()!;
        if (this.failure) throw this.failure;
        if (this.isOver) return;
        await once(this.woken, 'item', { signal });
      }
    } finally {
      this.isLeft = true;
    }
  }
}

export const tokens = (count: number, name = 't'): string[] =>
  Array.from({ length: count }, (_, i) => `${name}${i} `);
