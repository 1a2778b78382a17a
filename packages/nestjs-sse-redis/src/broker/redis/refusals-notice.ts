import type { RedisRefusalCode } from '../../errors/error-code.js';
import type { RedisRefusedError } from '../../errors/redis-refused.error.js';
import { Logger } from '../../util/logger.js';

/** Refusals that last until somebody changes Redis. Others pass, or lead to another server. */
const LASTING: ReadonlySet<RedisRefusalCode> = new Set([
  'REDIS_FORBIDDEN',
  'REDIS_UNAUTHENTICATED',
  'REDIS_OUT_OF_MEMORY',
  'REDIS_REFUSED',
]);
/** A refusal is news again after so long without one of its kind: an idle process may ask Redis once a minute. */
const NEWS_AFTER_MS = 600_000;

/**
 * Reports once, at WARN, that Redis refuses what the hub asks. The lease, the proof of the link and registrations have no caller that
 * would see the error.
 */
export class RefusalsNotice {
  private readonly logger = new Logger('SseRedisBroker');
  private readonly refusedAt = new Map<RedisRefusalCode, number>();
  /** The last one since the link was proven. */
  last: RedisRefusedError | undefined;

  refused(error: RedisRefusedError): void {
    const { code } = error;
    if (!LASTING.has(code)) return;
    this.last = error;
    const now = performance.now();
    const before = this.refusedAt.get(code) ?? -Infinity;
    this.refusedAt.set(code, now);
    if (now - before > NEWS_AFTER_MS) this.logger.warn(error.message);
  }
}
