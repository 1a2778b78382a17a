import type { RedisRefusalCode } from '../../errors/error-code.js';
import type { RedisRefusedError } from '../../errors/redis-refused.error.js';
import { Logger } from '../../util/logger.js';

/** Refusals of all that the hub asks, until somebody changes Redis. */
const OF_ALL: ReadonlySet<RedisRefusalCode> = new Set([
  'REDIS_FORBIDDEN',
  'REDIS_UNAUTHENTICATED',
  'REDIS_OUT_OF_MEMORY',
]);
/** A refusal is news again after so long without one of its kind: an idle process may ask Redis once a minute. */
const NEWS_AFTER_MS = 600_000;
/** Redis' words name no key, so that there are few. */
const MOST_KINDS = 20;

/** Whether Redis would refuse other commands for the same reason. Otherwise something may be wrong with one key alone. */
export function isOfAll({ code }: RedisRefusedError): boolean {
  return OF_ALL.has(code);
}

/**
 * Reports once, at WARN, that Redis refuses what the hub asks. The lease, the proof of the link and registrations have no caller that
 * would see the error.
 */
export class RefusalsNotice {
  private readonly logger = new Logger('SseRedisBroker');
  /** By Redis' words: one right may be missing for long before another one is. */
  private readonly refusedAt = new Map<string, number>();
  private last: RedisRefusedError | undefined;

  /** Why the link is not proven, without the address: shards of one Redis have the same reason. */
  get problem(): string | undefined {
    if (!this.last) return undefined;
    const { cause, message } = this.last;
    return cause instanceof Error ? `Redis refused: ${cause.message}` : message;
  }

  refused(error: RedisRefusedError): void {
    if (!isOfAll(error) && error.code !== 'REDIS_REFUSED') return;
    if (isOfAll(error)) this.last = error;
    const now = performance.now();
    const before = this.refusedAt.get(error.message) ?? -Infinity;
    if (this.refusedAt.size >= MOST_KINDS) this.refusedAt.clear();
    this.refusedAt.set(error.message, now);
    if (now - before > NEWS_AFTER_MS) this.logger.warn(error.message);
  }

  /** The link is proven. */
  over(): void {
    this.last = undefined;
  }
}
