import { Redis, type RedisOptions } from 'ioredis';
import { ClusterConnections } from './cluster/cluster-connections.js';
import { toClusterSettings } from './cluster/cluster-settings.js';
import { limitHandshake } from './cluster/handshake-limit.js';
import { askBeforeConnecting, renewCredentials, withAccess } from './credentials.js';
import { refuseOtherDatabase } from './database-check.js';
import { hearGreeting } from './greeting.js';
import { refuseLoading } from './loading-check.js';
import { SENTINEL_TIMEOUT_MS, SentinelWatch } from './sentinel-watch.js';
import type { MasterWatch } from './master-watch.js';
import { toRedisUrl } from '../../options/redis-url.js';
import { MAX_TIMER, type ResolvedOptions } from '../../options/resolved-options.js';
import type { ShardPlace } from '../shard-place.interface.js';

/** How long a node of a cluster may take to be ready once its connection is open. */
const HANDSHAKE_MS = 2_000;

/** Reconnects for ever, soon at first; the jitter keeps nodes that lost Redis together from coming back together. */
function retryStrategy(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 6), 2_000) * (0.75 + Math.random() / 2);
}

/** The options that connections depend on. */
export type ConnectionSettings = Pick<
  ResolvedOptions,
  'prefix' | 'shards' | 'connectTimeout' | 'publishTimeout' | 'redisCredentials'
>;

/** Makes the hub's connections to Redis from what the application gave. */
export class RedisSettings {
  /** The prefix of the hub's keys. */
  readonly prefix: string;
  readonly db: number;
  /** For messages: where Redis is, without user and password. */
  readonly address: string;
  /** The rights that a user of Redis needs, as `ACL SETUSER` takes them. */
  readonly rights: string;
  /** Undefined where the hub has one Redis. */
  readonly cluster: ClusterConnections | undefined;
  private readonly template: Redis;
  private readonly connectTimeout: number;

  constructor(
    redis: NonNullable<ResolvedOptions['redis']>,
    private readonly options: ConnectionSettings,
    place?: ShardPlace,
  ) {
    const cluster = toClusterSettings(redis);
    this.template = toTemplate(cluster?.options ?? (redis as string | RedisOptions | Redis));
    const { keyPrefix, db, host, port, path, sentinels, connectTimeout } = this.template.options;
    const prefix = `${keyPrefix ?? ''}${options.prefix}`;
    this.prefix = place ? place.map.tagOf(place.index, prefix) : prefix;
    // Of all shards together.
    const tags = [`{${prefix}}:*`, ...(options.shards > 1 ? [`{${prefix}:*}:*`] : [])];
    const [keys, channels] = ['~', '&'].map((kind) => tags.map((tag) => kind + tag).join(' '));
    this.rights = `${keys} resetchannels ${channels} +@all -@admin -@dangerous +info`;
    this.db = db ?? 0;
    this.cluster = cluster && new ClusterConnections(cluster, `{${this.prefix}}`);
    const address =
      this.cluster?.address ?? path ?? (sentinels ? 'the master that Sentinel names' : `${host}:${port}`);
    this.address = place ? `${address}, shard ${place.index}` : address;
    this.connectTimeout = Math.min(connectTimeout ?? Infinity, options.connectTimeout);
  }

  /**
   * How many ms the start waits for a refusal to pass. A cluster may be about to move its slots, or to come up. One Redis that
   * refuses is a fault of its settings, as a rule.
   */
  get patience(): number {
    return this.cluster ? this.options.connectTimeout : 0;
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
   * Watches whether connections lead to the master that Sentinel or the cluster names; undefined where there is but one Redis.
   *
   * @param moved called where one leads elsewhere, with what says so
   */
  createMasterWatch(connections: readonly Redis[], moved: (cause: string) => void): MasterWatch | undefined {
    const { redisCredentials } = this.options;
    const [first] = connections;
    if (this.cluster && first) {
      const renew =
        redisCredentials && (() => renewCredentials(first, redisCredentials, this.connectTimeout));
      return this.cluster.createWatch((ask) => withAccess(first.options, renew, ask), moved);
    }
    const { options } = this.template;
    // With a connector of the application, only that knows where connections lead.
    if (!options.sentinels?.length || options.Connector) return undefined;
    return new SentinelWatch(
      options,
      () => connections.map(({ stream }) => stream),
      (master) => moved(`Sentinel names another master, ${master}`),
    );
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
      // With `2` ioredis would send a refused command again by itself, and reject it as one that was never sent.
      reconnectOnError: null,
      // Without a time ioredis waits for ever for a Sentinel that accepts connections and hangs.
      sentinelCommandTimeout: this.template.options.sentinelCommandTimeout ?? SENTINEL_TIMEOUT_MS,
      // `SentinelWatch` says why.
      failoverDetector: false,
      retryStrategy,
      sentinelRetryStrategy: this.toLastingStrategy(),
      ...this.cluster?.createOptions(retryStrategy),
    });
    stopSocketTimer(redis);
    if (this.cluster) limitHandshake(redis, HANDSHAKE_MS);
    hearGreeting(redis);
    refuseLoading(redis);
    refuseOtherDatabase(redis);
    const { redisCredentials } = this.options;
    if (redisCredentials) askBeforeConnecting(redis, redisCredentials, this.connectTimeout, retryStrategy);
    return redis;
  }

  /** While no Sentinel answers. Where a strategy gives up, ioredis ends the connection for good, whatever `retryStrategy` says. */
  private toLastingStrategy(): (times: number) => number {
    const { sentinelRetryStrategy: given } = this.template.options;
    return (times) => {
      const ms = given?.(times);
      return typeof ms === 'number' ? ms : retryStrategy(times);
    };
  }
}

/** For the settings only, never connected. */
function toTemplate(redis: string | RedisOptions | Redis): Redis {
  if (typeof redis === 'string') return new Redis(toRedisUrl(redis), { lazyConnect: true });
  return isRedis(redis) ? redis : new Redis({ ...redis, lazyConnect: true });
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
