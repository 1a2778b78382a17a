import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { describeValue, isObject } from '../event/describe-value.js';
import type { OptionCheck } from './option-checks.js';

/** An option of a table: its place in what the application gives, its name in what the package uses, its default and its check. */
export interface OptionEntry {
  readonly path: string;
  readonly key: string;
  readonly fallback: (resolved: Readonly<Record<string, unknown>>) => unknown;
  readonly check: OptionCheck;
}

/** The names of options, each with those inside it. */
export type OptionNames = ReadonlyMap<string, readonly string[]>;

/** The values by their keys, and a sentence for each thing that is wrong. */
export interface ReadOptions {
  readonly values: Record<string, unknown>;
  readonly problems: string[];
}

/** Reads the options of a table, and fills in their defaults. */
export function readOptions(options: object, table: readonly OptionEntry[], names: OptionNames): ReadOptions {
  const problems = findUnknown(options, names);
  const values: Record<string, unknown> = {};
  for (const { path, key, fallback, check } of table) {
    const value = readOption(options, path);
    const found = value === undefined ? [] : check(value, path);
    problems.push(...found);
    values[key] = value === undefined || found.length > 0 ? fallback(values) : value;
  }
  return { values, problems };
}

/**
 * The value that an application gave for an option.
 *
 * @param path such as `history.ttl`
 */
export function readOption(options: object, path: string): unknown {
  let value: unknown = options;
  for (const key of path.split('.')) {
    if (!isObject(value)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

export function collectNames(paths: readonly string[]): OptionNames {
  const names = new Map<string, string[]>();
  for (const path of paths) {
    const [name, inner] = path.split('.') as [string, string?];
    const list = names.get(name) ?? [];
    names.set(name, list);
    if (inner) list.push(inner);
  }
  return names;
}

/**
 * @param taker what takes the options, for the message
 * @throws InvalidOptionsError for anything but an object
 */
export function checkIsObject(options: unknown, taker: string): void {
  if (isObject(options)) return;
  // A string is not shown: it is likely a URL, with a password in it.
  throw new InvalidOptionsError(
    `${taker} takes an options object such as { redis: 'redis://localhost' }, it got ${typeof options === 'string' ? 'a string' : describeValue(options)}.`,
  );
}

/**
 * `redis: process.env.REDIS_URL` without the variable would be an embedded broker in each process, and none would hear another.
 *
 * @param advice what to do about it
 */
export function findUnsetRedis(options: object, advice: string): string[] {
  if (!('redis' in options) || options.redis !== undefined) return [];
  return [`redis is undefined: is the environment variable set that it comes from? ${advice}`];
}

function findUnknown(options: object, names: OptionNames): string[] {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    const inner = names.get(name);
    if (!inner) problems.push(`there is no option "${name}" (there are ${[...names.keys()].join(', ')})`);
    else if (inner.length > 0 && value !== undefined) problems.push(...findUnknownIn(name, inner, value));
  }
  return problems;
}

function findUnknownIn(name: string, inner: readonly string[], value: unknown): string[] {
  if (!isObject(value))
    return [`${name} takes an object with ${inner.join(', ')}, it got ${describeValue(value)}`];
  return Object.keys(value)
    .filter((key) => !inner.includes(key))
    .map((key) => `there is no option "${name}.${key}" (there are ${inner.join(', ')})`);
}
