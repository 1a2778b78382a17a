import type { Redis, RedisOptions } from 'ioredis';
import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { findProblemOfPattern } from '../event/channel-pattern.js';
import type { AuthorizeFunction, ChannelRules } from './channel-rules.interface.js';
import type { SerializeFunction } from './serialize-function.interface.js';
import type { SseRedisOptions, UserId } from './sse-redis-options.interface.js';

/** The options with their defaults, checked. */
export interface ResolvedOptions {
  readonly redis: string | RedisOptions | Redis | undefined;
  readonly prefix: string;
  readonly maxLength: number;
  readonly ttl: number;
  readonly heartbeatInterval: number;
  readonly retry: number;
  /** Of this process; Infinity: no limit, as for those that follow. */
  readonly connections: number;
  readonly connectionsPerUser: number;
  readonly connectionsPerAddress: number;
  readonly channelsPerConnection: number;
  readonly metadataBytes: number;
  readonly payloadBytes: number;
  readonly bufferedBytes: number;
  readonly stallTimeout: number;
  readonly maxConnectionAge: number;
  readonly drainTimeout: number;
  readonly drainRetry: number;
  readonly leaseTtl: number;
  readonly sweepInterval: number;
  readonly publishTimeout: number;
  readonly connectTimeout: number;
  readonly probeInterval: number;
  readonly auditInterval: number;
  readonly idempotencyWindow: number;
  readonly identify: (request: unknown) => UserId | Promise<UserId>;
  readonly authorize: AuthorizeFunction | ChannelRules | undefined;
  /** How long an authorization is trusted before it is asked for again. */
  readonly authorizationInterval: number;
  readonly onRefusal: 'channel' | 'connection';
  readonly serialize: SerializeFunction | undefined;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** The longest delay that a timer takes: Node fires a longer one at once. */
export const MAX_TIMER = 2 ** 31 - 1;

const KNOWN: ReadonlyMap<string, readonly string[] | undefined> = new Map<
  string,
  readonly string[] | undefined
>([
  ['redis', undefined],
  ['prefix', undefined],
  ['history', ['maxLength', 'ttl']],
  ['heartbeatInterval', undefined],
  ['retry', undefined],
  [
    'limits',
    [
      'connections',
      'connectionsPerUser',
      'connectionsPerAddress',
      'channelsPerConnection',
      'metadataBytes',
      'payloadBytes',
      'bufferedBytes',
    ],
  ],
  ['stallTimeout', undefined],
  ['maxConnectionAge', undefined],
  ['drain', ['timeout', 'retry']],
  ['registry', ['leaseTtl', 'sweepInterval']],
  ['publishTimeout', undefined],
  ['connectTimeout', undefined],
  ['probeInterval', undefined],
  ['auditInterval', undefined],
  ['idempotencyWindow', undefined],
  ['identify', undefined],
  ['authorize', undefined],
  ['authorization', ['interval', 'onRefusal']],
  ['serialize', undefined],
  ['isGlobal', undefined],
]);

/**
 * Checks the options and fills in the defaults.
 *
 * @throws InvalidOptionsError naming every option that is wrong, what it got and what it takes
 */
export function resolveOptions(options: SseRedisOptions = {}): ResolvedOptions {
  if (!isObject(options)) {
    // A string is not shown: it is likely a URL, with a password in it.
    throw new InvalidOptionsError(
      `SseRedisModule takes an options object such as { redis: 'redis://localhost' }, it got ${typeof options === 'string' ? 'a string' : show(options)}.`,
    );
  }
  const problems = findUnknown(options);
  const number = (name: string, fallback: number, min: number, max: number): number => {
    const value = read(options, name);
    if (value === undefined) return fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    problems.push(`${name} takes a whole number from ${min} to ${max}, it got ${show(value)}`);
    return fallback;
  };
  const limit = (name: string): number =>
    read(options, name) === Infinity ? Infinity : number(name, Infinity, 1, 1e9);
  const ttl = number('history.ttl', 60 * MINUTE, 1_000, 365 * DAY);
  const retry = number('retry', 2_000, 1, DAY);
  const resolved: ResolvedOptions = {
    redis: options.redis,
    prefix: options.prefix === undefined ? 'sse' : options.prefix,
    maxLength: number('history.maxLength', 1_000, 1, 1_000_000),
    ttl,
    heartbeatInterval: number('heartbeatInterval', 20_000, 100, MAX_TIMER),
    retry,
    connections: limit('limits.connections'),
    connectionsPerUser: limit('limits.connectionsPerUser'),
    connectionsPerAddress: limit('limits.connectionsPerAddress'),
    channelsPerConnection: number('limits.channelsPerConnection', 1_000, 1, 100_000),
    metadataBytes: number('limits.metadataBytes', 4_096, 0, 65_536),
    payloadBytes: number('limits.payloadBytes', 1_048_576, 1, 256 * 1_048_576),
    bufferedBytes: number('limits.bufferedBytes', 65_536, 1, 1_073_741_824),
    stallTimeout: number('stallTimeout', MINUTE, 10, MAX_TIMER),
    maxConnectionAge: number('maxConnectionAge', 60 * MINUTE, 0, MAX_TIMER),
    drainTimeout: number('drain.timeout', 5_000, 0, MAX_TIMER),
    drainRetry: number('drain.retry', retry, 1, DAY),
    leaseTtl: number('registry.leaseTtl', 15_000, 100, MAX_TIMER),
    sweepInterval: number('registry.sweepInterval', 5_000, 20, MAX_TIMER),
    publishTimeout: number('publishTimeout', 5_000, 1, MAX_TIMER),
    connectTimeout: number('connectTimeout', 5_000, 1, MAX_TIMER),
    probeInterval: number('probeInterval', 5_000, 10, MAX_TIMER),
    auditInterval: number('auditInterval', Math.min(30_000, Math.floor(ttl / 2)), 30, MAX_TIMER),
    idempotencyWindow: number('idempotencyWindow', 10 * MINUTE, 1, 365 * DAY),
    identify: options.identify === undefined ? userOf : options.identify,
    authorize: options.authorize,
    authorizationInterval: number('authorization.interval', MINUTE, 100, MAX_TIMER),
    onRefusal: options.authorization?.onRefusal ?? 'channel',
    serialize: options.serialize,
  };
  checkAuthorize(resolved.authorize, problems);
  if (!['channel', 'connection'].includes(resolved.onRefusal)) {
    problems.push(
      `authorization.onRefusal takes 'channel' or 'connection', it got ${show(resolved.onRefusal)}`,
    );
  }
  checkPrefix(resolved.prefix, problems);
  checkRedis(resolved.redis, problems);
  if (typeof resolved.identify !== 'function') {
    problems.push(`identify takes a function (request) => user id, it got ${show(resolved.identify)}`);
  }
  if (resolved.serialize !== undefined && typeof resolved.serialize !== 'function') {
    problems.push(
      `serialize takes a function (data, { channel }) => data, it got ${show(resolved.serialize)}`,
    );
  }
  // A position older than the retention is a gap, so every quiet client's must be renewed well within it.
  const renewal = Math.max(resolved.heartbeatInterval, resolved.probeInterval);
  if (problems.length === 0 && resolved.ttl < 2 * renewal) {
    problems.push(
      `history.ttl (${resolved.ttl}) must be at least twice heartbeatInterval (${resolved.heartbeatInterval}) and probeInterval (${resolved.probeInterval}), else quiet clients are told of gaps that are none`,
    );
  }
  if (problems.length === 0 && ttl < 2 * resolved.auditInterval) {
    problems.push(
      `history.ttl (${ttl}) must be at least twice auditInterval (${resolved.auditInterval}), else lost announcements are looked for in logs that are gone`,
    );
  }
  if (problems.length > 0) {
    throw new InvalidOptionsError(`SseRedisModule cannot start with these options: ${problems.join('; ')}.`);
  }
  return resolved;
}

function findUnknown(options: object): string[] {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (!KNOWN.has(name)) {
      problems.push(`there is no option "${name}" (there are ${[...KNOWN.keys()].join(', ')})`);
      continue;
    }
    const inner = KNOWN.get(name);
    if (!inner || value === undefined) continue;
    if (!isObject(value))
      problems.push(`${name} takes an object with ${inner.join(', ')}, it got ${show(value)}`);
    else {
      for (const key of Object.keys(value)) {
        if (!inner.includes(key))
          problems.push(`there is no option "${name}.${key}" (there are ${inner.join(', ')})`);
      }
    }
  }
  return problems;
}

function checkAuthorize(authorize: unknown, problems: string[]): void {
  if (authorize === undefined || typeof authorize === 'function') return;
  if (!isObject(authorize)) {
    problems.push(
      `authorize takes a function (client, channel) => boolean, or rules { pattern: rule }, it got ${show(authorize)}`,
    );
    return;
  }
  for (const [pattern, rule] of Object.entries(authorize)) {
    const problem = findProblemOfPattern(pattern);
    if (problem) problems.push(`authorize has the pattern ${show(pattern)}, ${problem}`);
    if (rule !== true && rule !== 'user' && typeof rule !== 'function') {
      problems.push(
        `authorize[${show(pattern)}] takes true, 'user' or a function (client, parameters) => boolean, it got ${show(rule)}`,
      );
    }
  }
}

function checkPrefix(prefix: unknown, problems: string[]): void {
  if (typeof prefix === 'string' && /^[^\s{}]{1,128}$/u.test(prefix)) return;
  problems.push(
    `prefix takes 1 to 128 characters other than white space, "{" and "}", it got ${show(prefix)}`,
  );
}

function checkRedis(redis: unknown, problems: string[]): void {
  if (redis === undefined) return;
  if (typeof redis === 'string') {
    const problem = findProblemOfUrl(redis);
    if (problem) problems.push(`redis takes a URL that begins with redis:// or rediss://, it got ${problem}`);
    return;
  }
  if (!isObject(redis)) {
    problems.push(`redis takes a URL, ioredis options or an ioredis Redis, it got ${show(redis)}`);
    return;
  }
  if ('isCluster' in redis && redis.isCluster) {
    problems.push('redis takes a Redis, not a Cluster: give the address of one Redis or Valkey');
  }
}

/** What is wrong with a URL of Redis. The URL is never shown: it may have a password in it. */
function findProblemOfUrl(redis: string): string | undefined {
  // The path of a Unix socket, as ioredis takes it.
  if (redis.startsWith('/')) return undefined;
  if (!/^(rediss?|unix):\/\/./.test(redis)) return 'another string';
  try {
    const { username, password, hash } = new URL(redis);
    decodeURIComponent(username + password);
    if (hash === '') return undefined;
  } catch {
    // Told below.
  }
  return 'one that cannot be read: special characters in user and password must be percent-encoded';
}

function userOf(request: unknown): UserId {
  return (request as { user?: { id?: UserId } } | undefined)?.user?.id;
}

function read(options: object, path: string): unknown {
  let value: unknown = options;
  for (const key of path.split('.')) {
    if (!isObject(value)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  return isObject(value) ? 'an object' : String(value);
}
