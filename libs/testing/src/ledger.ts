/** What a client should have received, held against what it did receive. */
export class Ledger {
  /** Expected and never received. */
  readonly lost: readonly string[];
  /** Received again: one entry for each time too many. */
  readonly doubled: readonly string[];
  /** Received, but out of turn: the fewest that would have to move for the rest to be in order. */
  readonly reordered: readonly string[];
  /** Received and never expected: one entry for each time. */
  readonly foreign: readonly string[];

  readonly #counts: string;

  constructor(expected: readonly string[], received: readonly string[]) {
    const position = new Map(expected.map((key, index) => [key, index]));
    if (position.size !== expected.length) throw new Error('the expected keys must differ from each other');

    const firsts = new Set<string>();
    const doubled: string[] = [];
    const foreign: string[] = [];
    for (const key of received) {
      if (!position.has(key)) foreign.push(key);
      else if (firsts.has(key)) doubled.push(key);
      else firsts.add(key);
    }

    const arrived = [...firsts];
    const inOrder = longestIncreasing(arrived.map((key) => position.get(key) as number));
    this.lost = expected.filter((key) => !firsts.has(key));
    this.doubled = doubled;
    this.reordered = arrived.filter((_, index) => !inOrder.has(index));
    this.foreign = foreign;
    this.#counts = `expected ${expected.length}, received ${received.length}`;
  }

  /** Every expected key once, in order, and nothing else. */
  get whole(): boolean {
    return this.lost.length + this.doubled.length + this.reordered.length + this.foreign.length === 0;
  }

  report(): string {
    if (this.whole) return `whole: ${this.#counts}`;
    const lines = (['lost', 'doubled', 'reordered', 'foreign'] as const)
      .filter((fault) => this[fault].length > 0)
      .map((fault) => `  ${fault} ${this[fault].length}: ${shorten(this[fault])}`);
    return [`not whole: ${this.#counts}`, ...lines].join('\n');
  }
}

export function compare(expected: readonly string[], received: readonly string[]): Ledger {
  return new Ledger(expected, received);
}

/** Throws the report unless the client got everything once and in order. */
export function assertWhole(expected: readonly string[], received: readonly string[], who = 'client'): void {
  const ledger = compare(expected, received);
  if (!ledger.whole) throw new Error(`${who}: ${ledger.report()}`);
}

function shorten(keys: readonly string[], limit = 10): string {
  const shown = keys.slice(0, limit).join(', ');
  return keys.length > limit ? `${shown}, … (${keys.length - limit} more)` : shown;
}

/** The indexes of one longest increasing subsequence; what is not among them is out of turn. */
function longestIncreasing(values: readonly number[]): Set<number> {
  const tails: number[] = []; // tails[n]: index of the smallest value that ends a run of length n + 1
  const before: (number | undefined)[] = [];
  values.forEach((value, index) => {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[tails[middle] as number] as number) < value) low = middle + 1;
      else high = middle;
    }
    before[index] = tails[low - 1];
    tails[low] = index;
  });

  const members = new Set<number>();
  for (let index = tails.at(-1); index !== undefined; index = before[index]) members.add(index);
  return members;
}
