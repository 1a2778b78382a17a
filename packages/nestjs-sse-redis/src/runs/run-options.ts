import { InvalidArgumentError } from '../errors/invalid-argument.error.js';
import { checkOptions } from '../event/known-options.js';
import { describeValue } from '../event/describe-value.js';
import type { RunOptions } from './run.types.js';

const DAY = 86_400_000;
const RUN_OPTIONS: ReadonlySet<string> = new Set<keyof RunOptions>(['onExisting', 'batch', 'retainAfterEnd']);
const BATCH_OPTIONS: ReadonlySet<string> = new Set(['interval', 'items']);
const ON_EXISTING: ReadonlySet<string> = new Set(['join', 'refuse', 'replace']);
const MAX_INTERVAL = 60_000;
const MAX_ITEMS = 10_000;

/** The options of a run, checked. */
export interface ResolvedRunOptions {
  readonly onExisting: 'join' | 'refuse' | 'replace';
  /** ms; 0: nothing is joined. */
  readonly interval: number;
  readonly items: number;
  readonly retain: number;
}

/** @param retain the default of `retainAfterEnd` @throws InvalidArgumentError */
export function parseRunOptions(options: RunOptions, retain: number): ResolvedRunOptions {
  checkOptions('run()', options, RUN_OPTIONS);
  const { onExisting = 'join', batch = 0, retainAfterEnd = retain } = options;
  if (!ON_EXISTING.has(onExisting))
    throw new InvalidArgumentError(
      `onExisting takes 'join', 'refuse' or 'replace', it got ${describeValue(onExisting)}.`,
    );
  const { interval, items = Infinity } =
    typeof batch === 'object' && batch !== null ? batch : { interval: batch };
  if (typeof batch === 'object' && batch !== null) checkOptions('batch', batch, BATCH_OPTIONS);
  checkInteger('batch', interval, 0, MAX_INTERVAL);
  if (items !== Infinity) checkInteger('batch.items', items, 1, MAX_ITEMS);
  checkInteger('retainAfterEnd', retainAfterEnd, 1, 365 * DAY);
  return { onExisting, interval, items, retain: retainAfterEnd };
}

function checkInteger(name: string, value: unknown, min: number, max: number): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
  throw new InvalidArgumentError(
    `${name} takes a whole number from ${min} to ${max}, it got ${describeValue(value)}.`,
  );
}
