import { clearTimeout, setTimeout } from 'node:timers';
import { inspect } from 'node:util';

/** Things in the order in which they came, and a way to wait for one that has not come yet. */
export class Recording<T> {
  readonly items: T[] = [];
  readonly #watchers = new Set<() => void>();
  #closed: string | undefined;

  constructor(readonly noun: string) {}

  push(item: T): void {
    this.items.push(item);
    this.#notify();
  }

  /** Nothing more will come, so whoever still waits is told why. */
  close(reason: string): void {
    this.#closed ??= reason;
    this.#notify();
  }

  /**
   * Waits for a number of items in all (→ the items), or for one that the predicate accepts, earlier ones
   * included (→ that item).
   */
  waitFor(count: number, timeout?: number): Promise<T[]>;
  waitFor(predicate: (item: T) => boolean, timeout?: number): Promise<T>;
  waitFor(wanted: number | ((item: T) => boolean), timeout?: number): Promise<T | T[]>;
  waitFor(wanted: number | ((item: T) => boolean), timeout = 30_000): Promise<T | T[]> {
    const look = typeof wanted === 'number' ? this.#untilCount(wanted) : this.#untilMatch(wanted);
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(watch);
      };
      const fail = (why: string): void => {
        finish();
        reject(new Error(`${why} while waiting for ${this.#describe(wanted)}; ${this.#summary()}`));
      };
      const watch = (): void => {
        try {
          const found = look();
          if (found !== undefined) {
            finish();
            resolve(found);
          } else if (this.#closed !== undefined) {
            fail(this.#closed);
          }
        } catch (error) {
          // A predicate that throws (an expect() in it, say) fails its own test, not the socket that fed it.
          finish();
          reject(error);
        }
      };
      const timer = setTimeout(() => fail(`${timeout} ms passed`), timeout);
      this.#watchers.add(watch);
      watch();
    });
  }

  #untilCount(count: number): () => T[] | undefined {
    return () => (this.items.length >= count ? [...this.items] : undefined);
  }

  /** Looks at each item once, however many arrive: waiting at the end of a long list stays cheap. */
  #untilMatch(predicate: (item: T) => boolean): () => T | undefined {
    let next = 0;
    return () => {
      while (next < this.items.length) {
        const item = this.items[next++] as T;
        if (predicate(item)) return item;
      }
      return undefined;
    };
  }

  #notify(): void {
    for (const watch of [...this.#watchers]) watch();
  }

  #describe(wanted: number | ((item: T) => boolean)): string {
    return typeof wanted === 'number'
      ? `${wanted} ${this.noun}s`
      : `a ${this.noun} where ${wanted.toString()}`;
  }

  #summary(): string {
    if (this.items.length === 0) return `no ${this.noun} has come`;
    return `${this.items.length} came, the last: ${inspect(this.items.at(-1), { maxStringLength: 200 })}`;
  }
}
