import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { describeValue, isObject } from './describe-value.js';
import { EMBEDDED } from './option-checks.js';
import { OPTIONS, type ResolvedOptions } from './option-table.js';
import type { SseRedisOptions } from './sse-redis-options.interface.js';

export { MAX_TIMER, type ResolvedOptions } from './option-table.js';

/** The names of all options, each with those inside it. `isGlobal` is Nest's, and reaches the factory in Nest 11. */
const NAMES: ReadonlyMap<string, readonly string[]> = collectNames([
  ...OPTIONS.map(({ path }) => path),
  'isGlobal',
]);

/**
 * Checks the options and fills in the defaults.
 *
 * @throws InvalidOptionsError naming every option that is wrong, what it got and what it takes
 */
export function resolveOptions(options: SseRedisOptions = {}): ResolvedOptions {
  checkOptionsObject(options);
  const problems = [...findUnknown(options), ...findUnsetRedis(options)];
  const values: Record<string, unknown> = {};
  for (const { path, key, fallback, check } of OPTIONS) {
    const value = read(options, path);
    const found = value === undefined ? [] : check(value, path);
    problems.push(...found);
    values[key] = value === undefined || found.length > 0 ? fallback(values) : value;
  }
  if (values['redis'] === EMBEDDED) values['redis'] = undefined;
  const resolved = values as ResolvedOptions;
  if (problems.length === 0) problems.push(...findContradictions(resolved));
  if (problems.length === 0) return resolved;
  throw new InvalidOptionsError(`SseRedisModule cannot start with these options: ${problems.join('; ')}.`);
}

/** @throws InvalidOptionsError for anything but an object */
export function checkOptionsObject(options: unknown): void {
  if (isObject(options)) return;
  // A string is not shown: it is likely a URL, with a password in it.
  throw new InvalidOptionsError(
    `SseRedisModule takes an options object such as { redis: 'redis://localhost' }, it got ${typeof options === 'string' ? 'a string' : describeValue(options)}.`,
  );
}

/** A position older than the retention is a gap: each quiet client's position must be renewed well within it. */
function findContradictions({
  ttl,
  heartbeatInterval,
  probeInterval,
  auditInterval,
  redis,
  redisCredentials,
}: ResolvedOptions): string[] {
  const problems: string[] = [];
  if (redisCredentials && redis === undefined) {
    problems.push('redisCredentials needs the option redis, which says where Redis is');
  }
  if (ttl < 2 * Math.max(heartbeatInterval, probeInterval)) {
    problems.push(
      `history.ttl (${ttl}) must be at least twice heartbeatInterval (${heartbeatInterval}) and probeInterval (${probeInterval}), else quiet clients are told of gaps that are none`,
    );
  }
  if (ttl < 2 * auditInterval) {
    problems.push(
      `history.ttl (${ttl}) must be at least twice auditInterval (${auditInterval}), else lost announcements are looked for in logs that are gone`,
    );
  }
  return problems;
}

/** `redis: process.env.REDIS_URL` without the variable would be an embedded broker in each process, and none would hear another. */
function findUnsetRedis(options: object): string[] {
  if (!('redis' in options) || options.redis !== undefined) return [];
  return [
    `redis is undefined: is the environment variable set that it comes from? For the embedded broker of one process say redis: '${EMBEDDED}', or leave the option out`,
  ];
}

function findUnknown(options: object): string[] {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    const inner = NAMES.get(name);
    if (!inner) problems.push(`there is no option "${name}" (there are ${[...NAMES.keys()].join(', ')})`);
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

function collectNames(paths: readonly string[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const path of paths) {
    const [name, inner] = path.split('.') as [string, string?];
    const list = names.get(name) ?? [];
    names.set(name, list);
    if (inner) list.push(inner);
  }
  return names;
}

function read(options: object, path: string): unknown {
  let value: unknown = options;
  for (const key of path.split('.')) {
    if (!isObject(value)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
