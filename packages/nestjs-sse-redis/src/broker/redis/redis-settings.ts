import { Redis, type RedisOptions } from 'ioredis';
import { askBeforeConnecting } from './credentials.js';
import { refuseLoading } from './loading-check.js';
import { SENTINEL_TIMEOUT_MS, SentinelWatch, type RemoteAddress } from './sentinel-watch.js';
import { MAX_TIMER, type ResolvedOptions } from '../../options/resolved-options.js';

/** Reconnects for ever, soon at first; the jitter keeps nodes that lost Redis together from coming back together. */
function retryStrategy(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 6), 2_000) * (0.75 + Math.random() / 2);
}

/** Makes the hub's connections to Redis from what the application gave. */
export class RedisSettings {
  /** The prefix of the hub's keys. */
  readonly prefix: string;
  readonly db: number;
  /** For messages: where Redis is, without user and password. */
  readonly address: string;
  /** The rights that a user of Redis needs, as `ACL SETUSER` takes them. */
  readonly rights: string;
  private readonly template: Redis;
  private readonly connectTimeout: number;

  constructor(
    redis: NonNullable<ResolvedOptions['redis']>,
    private readonly options: ResolvedOptions,
  ) {
    // `lazyConnect`: a template only, never connected.
    this.template =
      typeof redis === 'string'
        ? new Redis(redis, { lazyConnect: true })
        : isRedis(redis)
          ? redis
          : new Redis({ ...redis, lazyConnect: true });
    const { keyPrefix, db, host, port, path, sentinels, connectTimeout } = this.template.options;
    this.prefix = `${keyPrefix ?? ''}${options.prefix}`;
    this.rights = `~{${this.prefix}}:* resetchannels &{${this.prefix}}:* +@all -@admin -@dangerous +info`;
    this.db = db ?? 0;
    this.address = path ?? (sentinels ? 'the master that Sentinel names' : `${host}:${port}`);
    this.connectTimeout = Math.min(connectTimeout ?? Infinity, options.connectTimeout);
  }

  /** The connection for commands. It queues nothing: a publish that cannot be sent now is the caller's to know of. */
  createCommandConnection(): Redis {
    return this.create();
  }

  /** The connection for subscriptions. `Subscription` subscribes again after a loss, since it must know when. */
  createSubscriberConnection(): Redis {
    // Nor may ioredis give up a command that Redis will still carry out: a subscription would be left that nobody knows of.
    return this.create({ autoResubscribe: false, commandTimeout: undefined });
  }

  /**
   * Watches whether connections lead to the master that Sentinel names; undefined without Sentinel.
   *
   * @param moved called with the address of the master where one leads elsewhere
   */
  createSentinelWatch(
    connections: () => readonly (RemoteAddress | undefined)[],
    moved: (master: string) => void,
  ): SentinelWatch | undefined {
    const { options } = this.template;
    // With a connector of the application, only that knows where connections lead.
    const isWatched = options.sentinels?.length && !options.Connector;
    return isWatched ? new SentinelWatch(options, connections, moved) : undefined;
  }

  private create(overrides: RedisOptions = {}): Redis {
    const redis = this.template.duplicate({
      ...overrides,
      // A half-open socket is silent: give it up soon after a command on it has. Of a subscriber, which waits for nothing
      // as a rule, that is the time for its first commands: the probe, which finds a deaf one, comes after these.
      socketTimeout: Math.min(this.options.publishTimeout * 2, MAX_TIMER),
      // A command that was sent and not answered may have been run. Sent again, it would publish twice. And with more
      // retries than none, ioredis leaves those of a connection that broke pending for ever.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // How long a connection that is given up may take to close. A deaf one does not answer.
      disconnectTimeout: 200,
      keyPrefix: '',
      stringNumbers: false,
      lazyConnect: true,
      enableOfflineQueue: false,
      enableReadyCheck: true,
      connectTimeout: this.connectTimeout,
      // Without a time ioredis waits for ever for a Sentinel that accepts connections and hangs.
      sentinelCommandTimeout: this.template.options.sentinelCommandTimeout ?? SENTINEL_TIMEOUT_MS,
      // `SentinelWatch` says why.
      failoverDetector: false,
      retryStrategy,
    });
    stopSocketTimer(redis);
    refuseLoading(redis);
    const { redisCredentials } = this.options;
    if (redisCredentials) askBeforeConnecting(redis, redisCredentials, this.connectTimeout, retryStrategy);
    return redis;
  }
}

/** An ioredis instance, also one of another copy of ioredis, which `instanceof` does not know. */
function isRedis(redis: object): redis is Redis {
  return 'duplicate' in redis && typeof redis.duplicate === 'function';
}

/**
 * ioredis 5 lets the timer of `socketTimeout` run on when a connection closes, and destroys whatever connection there is
 * when it fires (6.0.0 does not: redis/ioredis#2148).
 */
function stopSocketTimer(redis: Redis): void {
  const kept = redis as unknown as { socketTimeoutTimer?: NodeJS.Timeout | undefined };
  redis.on('close', () => {
    clearTimeout(kept.socketTimeoutTimer);
    kept.socketTimeoutTimer = undefined;
  });
}
