import { ReplyError } from 'ioredis';
import type { RedisRefusalCode } from '../../errors/error-code.js';
import { RedisRefusedError } from '../../errors/redis-refused.error.js';

/** What a kind of refusal means for the hub. */
interface RefusalKind {
  readonly code: RedisRefusalCode;
  /** Redis' words, without what scripts put around them. */
  readonly words: RegExp;
  /** The server is the wrong one, or not ready: a new connection may lead to the right one. */
  readonly isWrongServer?: boolean;
  /** The refusal may pass soon, and nothing ran: a publish may be tried again. */
  readonly isPassing?: boolean;
}

/**
 * The replies of Redis 6.2, 7 and 8 and of Valkey 9, by meaning. `test/broker/refusals.spec.ts` quotes replies of each.
 *
 * Before 7.0 scripts had words of their own for a missing right, and 7.2 brought "ACL failure in script".
 */
const KINDS: readonly RefusalKind[] = [
  { code: 'REDIS_READONLY', words: /^READONLY\b/, isWrongServer: true, isPassing: true },
  { code: 'REDIS_MASTER_DOWN', words: /^MASTERDOWN\b/, isWrongServer: true, isPassing: true },
  { code: 'REDIS_CLUSTER_DOWN', words: /^CLUSTERDOWN\b/, isWrongServer: true, isPassing: true },
  { code: 'REDIS_LOADING', words: /^LOADING\b/, isWrongServer: true, isPassing: true },
  { code: 'REDIS_NO_REPLICAS', words: /^NOREPLICAS\b/, isWrongServer: true, isPassing: true },
  { code: 'REDIS_MISCONFIGURED', words: /^MISCONF\b/, isWrongServer: true, isPassing: true },
  { code: 'REDIS_MOVED', words: /^MOVED\b/, isWrongServer: true, isPassing: true },
  { code: 'REDIS_MIGRATING', words: /^(ASK|TRYAGAIN)\b/, isPassing: true },
  { code: 'REDIS_BUSY', words: /^BUSY /, isPassing: true },
  { code: 'REDIS_OUT_OF_MEMORY', words: /^OOM\b/ },
  {
    code: 'REDIS_FORBIDDEN',
    words: /^NOPERM\b|^(ERR )?(ACL failure in script\b|The user executing the script (can't|is lacking)\b)/,
  },
  { code: 'REDIS_UNAUTHENTICATED', words: /^(NOAUTH|WRONGPASS)\b/ },
];

const OTHER: RefusalKind = { code: 'REDIS_REFUSED', words: /^/ };
/** Redis 6.2 puts these around an error of a command in a script: of the script, then of `redis.call`, then of `pcall`. */
const SCRIPT_WORDS = /^(ERR Error running script \(call to f_\w+\): |@user_script: ?\d+: |=\[C\]: -?\d+: )+/;
/** Redis 7 and later, and Valkey, put this behind it. */
const SCRIPT_PLACE = / script: (\w+, )?on @user_script:\d+\.$/;

const LEAST_TIME_MS = 50;
const LEAST_TIME_PART = 1 / 10;

/**
 * With less time left, what was refused is not sent again: a refusal says more than an answer that may come too late.
 *
 * @param timeout ms, of all attempts together
 */
export function leastTime(timeout: number): number {
  return Math.min(LEAST_TIME_MS, timeout * LEAST_TIME_PART);
}

/** ioredis has it as `any`. */
const ReplyErrorClass = ReplyError as abstract new () => Error;

/**
 * Whether an error is a reply of Redis, and no trouble with the connection.
 *
 * Its name alone does not say so: with ioredis 5 that is the name of its class, and bundlers rename classes. Nor does the class alone, of
 * which an installation may have several copies.
 */
export function isReplyError(error: unknown): boolean {
  return error instanceof ReplyErrorClass || (error instanceof Error && error.name === 'ReplyError');
}

/** Whether ioredis did not send a command, since there was no connection. */
export function isUnsent({ message }: Error): boolean {
  return message.includes("isn't writeable");
}

/** Whether a server does not know the script that it is to run. */
export function isNoScript({ message }: Error): boolean {
  return message.startsWith('NOSCRIPT');
}

/** Redis' words for a refusal, without what scripts put around them. */
export function getReason(message: string): string {
  return message.trim().replace(SCRIPT_WORDS, '').replace(SCRIPT_PLACE, '').replace(/^-/, '');
}

/** The meaning of a reply that is an error. */
export function toRefusalCode(message: string): RedisRefusalCode {
  return findKind(message).code;
}

export function isWrongServer(code: RedisRefusalCode): boolean {
  return KINDS.some((kind) => kind.code === code && kind.isWrongServer);
}

/** Whether a publish that was refused so may be tried again: nothing of it ran. */
export function isPassing(error: unknown): error is RedisRefusedError {
  return (
    error instanceof RedisRefusedError && KINDS.some((kind) => kind.code === error.code && kind.isPassing)
  );
}

/**
 * The error for a reply that is an error.
 *
 * @param address of Redis
 * @param what Redis refused, for the message
 * @param rights that a user of Redis needs, for the message
 */
export function toRefusal(cause: Error, address: string, rights: string, what = ''): RedisRefusedError {
  const code = toRefusalCode(cause.message);
  const reason = getReason(cause.message).replace(/\.$/, '');
  const advice = code === 'REDIS_FORBIDDEN' ? `. The user of the hub needs the rights ${rights}.` : '';
  return new RedisRefusedError(`Redis at ${address} refused${what}: ${reason}${advice}`, {
    cause,
    code,
  });
}

/** Told once for each channel: the connection stays open, and would be deaf. */
export function subscriptionsEnded(address: string): RedisRefusedError {
  const message = `Redis at ${address} ended the subscriptions: another node has the slot of the hub.`;
  return new RedisRefusedError(message, { code: 'REDIS_MOVED', cause: undefined });
}

function findKind(message: string): RefusalKind {
  const reason = getReason(message);
  return KINDS.find(({ words }) => words.test(reason)) ?? OTHER;
}
