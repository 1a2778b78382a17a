/** About what a call costs besides its text. */
const CALL_OVERHEAD = 512;

/** One run of a script. */
export interface ScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  /** How many replicas are to have what it wrote. Default: 0, nobody is asked. */
  readonly replicas?: number;
}

/** What a call came to: Redis' reply, or why there is none. */
export type Outcome =
  | {
      readonly reply: unknown;
      /** The number of the line on which the script ran. */
      readonly line: number;
      readonly replicas?: Replicas | undefined;
    }
  | { readonly error: Error };

/** How many replicas have what a round wrote, or why Redis did not say. */
export interface Replicas {
  readonly count: number;
  readonly cause: Error | undefined;
}

/** About how many characters calls are. */
export function getSize(calls: readonly ScriptCall[]): number {
  let size = 0;
  for (const { args } of calls) {
    size += CALL_OVERHEAD;
    for (const arg of args) if (typeof arg === 'string') size += arg.length;
  }
  return size;
}
