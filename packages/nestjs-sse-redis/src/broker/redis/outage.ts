import { Logger } from '../../util/logger.js';
import { RedisRefusedError } from '../../errors/redis-refused.error.js';
import { RedisUnavailableError } from '../../errors/redis-unavailable.error.js';
import { isUnsent, isWrongServer } from './refusals.js';
import { isOfAll, RefusalsNotice } from './refusals-notice.js';

/** How long the first cause is waited for before an outage is reported without one. */
const CAUSE_WITHIN_MS = 1_000;
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;
/** After about a minute of refusals the settings are more likely wrong than a failover slow. */
const ATTEMPTS_OF_A_FAILOVER = 60;
const LATER_DELAY_MS = 5_000;

/**
 * An outage of Redis. It has a cause for errors and readiness, and one WARN for all of it. Where a server answers that it is
 * not the master, new connections are made at a bounded rate.
 *
 * Managed Redis swaps roles under open connections. Only a new connection resolves the name, or asks Sentinel, again.
 */
export class Outage {
  private readonly logger = new Logger('SseRedisBroker');
  /** What failed last; undefined while Redis is there. */
  cause: Error | undefined;
  private began: number | undefined;
  private isReported = false;
  /** The code of the refusal that the WARN of the outage names. */
  private reportedCode: string | undefined;
  private refusals: RefusalsNotice | undefined;
  private reportTimer: NodeJS.Timeout | undefined;
  private attempts = 0;
  private reconnectTimer: NodeJS.Timeout | undefined;
  private reconnectedAt = -Infinity;
  /** The connections are given up: what still comes over them says nothing about the next. */
  private isLeaving = false;

  /** @param reconnect makes the connections anew; resolves when the present ones are closed */
  constructor(
    private readonly address: string,
    private readonly reconnect: () => Promise<void>,
  ) {}

  /** The hub has started. Until then the error of the start says what Redis refuses. */
  begin(): void {
    this.over();
    this.refusals = new RefusalsNotice();
  }

  /** Why the link is lost, or is not proven; undefined where that is not known. */
  get problem(): string | undefined {
    if (this.cause) return describeError(this.cause);
    return this.began === undefined ? this.refusals?.problem : undefined;
  }

  /** A connection is gone, or announcements do not arrive. */
  lost(): void {
    if (this.began !== undefined) return;
    this.began = performance.now();
    if (this.cause) this.report();
    else this.reportTimer = setTimeout(() => this.report(), CAUSE_WITHIN_MS).unref();
  }

  /** A connection failed, or was refused. */
  failed(cause: Error): void {
    this.cause = cause;
    if (this.began !== undefined) this.report();
  }

  /** Redis refused a command. */
  refused(error: RedisRefusedError): void {
    // Of a slot on its way, only its master answers so: https://redis.io/docs/latest/commands/cluster-setslot/.
    if (error.code === 'REDIS_MIGRATING') return this.accepted();
    if (!isWrongServer(error.code)) return this.refusedForGood(error);
    this.failed(error);
    this.lost();
    if (this.reconnectTimer || this.isLeaving) return;
    const wait = this.reconnectedAt + this.delay() - performance.now();
    this.reconnectTimer = setTimeout(() => this.makeNew(), Math.max(0, wait)).unref();
  }

  /**
   * Another server has the keys now. Answers of the one that had them do not hold up the new connections.
   *
   * @param cause who says so, and what
   */
  moved(cause: string): void {
    this.failed(new Error(cause));
    this.lost();
    clearTimeout(this.reconnectTimer);
    this.makeNew();
  }

  /** What is published arrives again. */
  over(): void {
    if (this.isLeaving) return;
    this.cause = undefined;
    this.refusals?.over();
    this.accepted();
    if (this.began === undefined) return;
    this.report();
    this.stop();
    this.began = undefined;
    this.isReported = false;
    this.reportedCode = undefined;
    this.logger.log(`Redis at ${this.address} is back.`);
  }

  /** Redis ran a script that writes: it is the master. */
  accepted(): void {
    if (this.isLeaving || (this.attempts === 0 && !this.reconnectTimer)) return;
    clearTimeout(this.reconnectTimer);
    this.reconnectTimer = undefined;
    this.attempts = 0;
  }

  /** Whether a server that is not the master, or not ready, was met, and no other yet. */
  get isReconnecting(): boolean {
    return this.attempts > 0 || this.reconnectTimer !== undefined;
  }

  /** The error of a subscription while its connection is down. */
  unavailable(cause: unknown): RedisUnavailableError {
    const reason = cause instanceof Error && !isUnsent(cause) ? cause : this.cause;
    const words = reason ? ` (${describeError(reason)})` : '';
    return new RedisUnavailableError(
      `The connection to Redis at ${this.address} that receives events is down${words}; it is being made again.`,
      { cause: reason },
    );
  }

  stop(): void {
    clearTimeout(this.reportTimer);
    clearTimeout(this.reconnectTimer);
    this.reconnectTimer = undefined;
  }

  private refusedForGood(error: RedisRefusedError): void {
    // A link that is not proven for want of a right is an outage, too. Its WARN names the reason, unless that comes later.
    if (this.began !== undefined && isOfAll(error)) this.failed(error);
    if (this.reportedCode !== error.code) this.refusals?.refused(error);
  }

  private makeNew(): void {
    this.reconnectTimer = undefined;
    if (this.isLeaving) return;
    this.attempts++;
    this.reconnectedAt = performance.now();
    this.isLeaving = true;
    void this.reconnect().finally(() => (this.isLeaving = false));
  }

  /** The jitter keeps nodes that were refused together from coming back together. */
  private delay(): number {
    if (this.attempts === 0) return 0;
    const delay = Math.min(FIRST_DELAY_MS * 2 ** Math.min(this.attempts, 10), LONGEST_DELAY_MS);
    const longest = this.attempts > ATTEMPTS_OF_A_FAILOVER ? LATER_DELAY_MS : delay;
    return longest * (0.75 + Math.random() / 2);
  }

  private report(): void {
    clearTimeout(this.reportTimer);
    if (this.isReported) return;
    this.isReported = true;
    this.reportedCode = this.cause instanceof RedisRefusedError ? this.cause.code : undefined;
    this.logger.warn(
      `Lost Redis at ${this.address} (${describeError(this.cause)}): connecting anew, and catching up when it is back.`,
    );
  }
}

/** An error's words; Node's error for several addresses of one name has none, but a code. */
export function describeError(error: Error | undefined): string {
  if (!error) return 'the connection was closed';
  return error.message || ((error as NodeJS.ErrnoException).code ?? error.name);
}
