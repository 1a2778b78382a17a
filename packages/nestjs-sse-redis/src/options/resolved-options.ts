import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { EMBEDDED } from './option-checks.js';
import { OPTIONS, type ResolvedOptions } from './option-table.js';
import { checkIsObject, collectNames, findUnsetRedis, readOptions } from './read-options.js';
import type { SseRedisOptions } from './sse-redis-options.interface.js';

export { MAX_TIMER, type ResolvedOptions } from './option-table.js';

/** The names of all options. `isGlobal` is Nest's, and reaches the factory in Nest 11. */
const NAMES = collectNames([...OPTIONS.map(({ path }) => path), 'isGlobal']);

const EMBEDDED_ADVICE = `For the embedded broker of one process say redis: '${EMBEDDED}', or leave the option out`;

const RESOLVED = new WeakSet<object>();

/** Whether options are of `resolveOptions()`. A test may have put a mock in their place, which says that it has any field. */
export function areResolved(options: object): options is ResolvedOptions {
  return RESOLVED.has(options);
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws InvalidOptionsError naming every option that is wrong, what it got and what it takes
 */
export function resolveOptions(options: SseRedisOptions = {}): ResolvedOptions {
  checkOptionsObject(options);
  const { values, problems } = readOptions(options, OPTIONS, NAMES);
  problems.push(...findUnsetRedis(options, EMBEDDED_ADVICE));
  if (values['redis'] === EMBEDDED) values['redis'] = undefined;
  const resolved = values as ResolvedOptions;
  RESOLVED.add(resolved);
  if (problems.length === 0) problems.push(...findContradictions(resolved));
  if (problems.length === 0) return resolved;
  throw new InvalidOptionsError(`SseRedisModule cannot start with these options: ${problems.join('; ')}.`);
}

/** @throws InvalidOptionsError for anything but an object */
export function checkOptionsObject(options: unknown): void {
  checkIsObject(options, 'SseRedisModule');
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
