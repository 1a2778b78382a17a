import { inspect } from 'node:util';
// From `node:timers`, because Jest's fake timers replace only the globals: `until` keeps working under them.
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as wait } from 'node:timers/promises';

export interface UntilOptions {
  /** Milliseconds until it gives up. Default: 30,000, which a busy machine keeps. */
  timeout?: number;
  /** Milliseconds between two looks. Default: 5. */
  interval?: number;
  /** What is waited for, as it should read in the error. Default: the source of the condition. */
  message?: string;
}

type Truthy<T> = Exclude<T, false | 0 | 0n | '' | null | undefined>;

/**
 * Resolves with the first truthy value of `condition`. A condition that throws is one that does not hold yet.
 * After `timeout` it rejects with what was waited for and what was seen last, also when the condition itself hangs.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeout = 30_000, interval = 5, message = condition.toString() }: UntilOptions = {},
): Promise<Truthy<T>> {
  let seen = 'the condition never returned';
  let cause: unknown;
  let expired = false;
  let timer: NodeJS.Timeout | undefined;

  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      expired = true;
      reject(new Error(`waited ${timeout} ms until: ${message}\nlast: ${seen}`, { cause }));
    }, timeout);
  });

  async function look(): Promise<Truthy<T>> {
    while (!expired) {
      try {
        const value = await condition();
        if (value) return value as Truthy<T>;
        cause = undefined;
        seen = inspect(value);
      } catch (error) {
        cause = error;
        seen = `threw ${error instanceof Error ? `${error.name}: ${error.message}` : inspect(error)}`;
      }
      await wait(interval);
    }
    return deadline;
  }

  try {
    return await Promise.race([look(), deadline]);
  } finally {
    clearTimeout(timer);
    expired = true;
  }
}
