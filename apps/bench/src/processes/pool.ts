import type { Child } from './child.js';
import type { Methods } from './serve.js';

/** Programs of one kind, started when they are needed and used again: what has run before is warm. */
export class Pool<M extends Methods> {
  private readonly started: Promise<Child<M>>[] = [];
  /** By number, in the order in which they were started. */
  private readonly taken = new Set<number>();

  constructor(private readonly start: () => Promise<Child<M>>) {}

  /** One that nobody has, the oldest first. */
  take(): Promise<Child<M>> {
    let number = 0;
    while (this.taken.has(number)) number++;
    this.taken.add(number);
    return (this.started[number] ??= this.start());
  }

  async give(child: Child<M>): Promise<void> {
    const all = await Promise.all(this.started);
    this.taken.delete(all.indexOf(child));
  }

  async stop(): Promise<void> {
    await Promise.all(this.started.map(async (starting) => (await starting).stop()));
  }
}
