import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { ChannelDefinitionFields } from '../channels/channel-definition.js';
import type { AuthorizeFunction, ChannelRules } from '../channels/channel-rules.interface.js';
import type { RedisClusterOptions } from './redis-cluster-options.interface.js';
import type { RedisCredentialsFunction } from './redis-credentials.interface.js';
import type { OptionClass, SseAuthorizer, SseIdentifier } from './option-class.interface.js';
import type { UserId } from './user-id.js';
import type { SerializeFunction } from './serialize-function.interface.js';

/** The options of `SseRedisModule.forRoot`. Every option has a default that is right in production; times are in milliseconds. */
export interface SseRedisOptions {
  /**
   * Where Redis (6.2 or later) or Valkey is: a URL, ioredis options, or an existing ioredis `Redis`. From an existing
   * one the module takes the settings for two connections of its own, which it also closes; yours stays yours. A
   * `keyPrefix` in it goes in front of `prefix`. `valkey://` and `valkeys://` stand for `redis://` and `rediss://`.
   *
   * For a Redis Cluster (7.0 or later, with ioredis 6): `redis+cluster://host:6379,other:6379` (`rediss+cluster://` with TLS),
   * `{ cluster: [nodes], …ioredis options }`, or an existing ioredis `Cluster`.
   *
   * `'embedded'`, or left out: the embedded broker, for one process; in production (`NODE_ENV`) it warns. A key that is
   * there and undefined is an error, since an environment variable is missing then.
   */
  readonly redis?: string | RedisOptions | RedisClusterOptions | Redis | Cluster;
  /**
   * Returns user and password for Redis, for passwords that are rotated. The hub calls it before each connection and
   * reconnect, of both of its connections; its answer replaces what `redis` says. If it fails, or takes longer than
   * `connectTimeout`, the hub reports a `RedisCredentialsError` and asks again. Default: the credentials of `redis`.
   *
   * @example redisCredentials: async () => ({ username: 'app', password: await secrets.read('redis') })
   */
  readonly redisCredentials?: RedisCredentialsFunction;
  /** Begins the name of everything that the hub has in Redis. Hubs with different prefixes never meet. Default `'sse'`. */
  readonly prefix?: string;
  /**
   * Into how many data sets the channels are parted: 1 to 64, default 1. In a Redis Cluster they are spread over its masters,
   * so that the hub grows with them: some four for each master, since growing is moving slots (docs/scaling.md). Order holds
   * within a shard; a `{tag}` in the names of channels keeps these on one. Each shard takes two connections.
   *
   * All processes of a hub need the same number. It stays with the prefix.
   */
  readonly shards?: number;
  /** How much of each channel is kept for clients that come back. */
  readonly history?: {
    /** About how many events a channel keeps (Redis trims in blocks, so it may be a hundred more). Default 1,000. */
    readonly maxLength?: number;
    /** How long events are kept. Default one hour. */
    readonly ttl?: number;
  };
  /**
   * Definitions of channels, by `defineChannel()`: their events, history and rights. Modules of the application may add theirs by
   * `SseRedisModule.forFeature([…])`. Default: none.
   */
  readonly channels?: readonly ChannelDefinitionFields[];
  /**
   * How often each connection is sent its position, which also keeps proxies from closing it. Default 20,000: the
   * shortest idle time-out in wide use, HAProxy's, is 30 s.
   */
  readonly heartbeatInterval?: number;
  /**
   * How long a client waits before it reconnects, on the average. Each connection gets a random time between half and
   * one and a half of this: those which are closed together do not come back together. Default 2,000.
   */
  readonly retry?: number;
  /** Bounds of what this process serves, and of what one client or one event may take. */
  readonly limits?: {
    /**
     * How many streams this process serves. Over this and the next two limits a new stream is answered with an `error`
     * event, a `retry:` time and its end. An `EventSource` would give up on any status but 200. A request that says
     * `Prefer: status` is answered with 429. Default: no limit.
     */
    readonly connections?: number;
    /** How many connections a user may have, in all processes together. Default: no limit. */
    readonly connectionsPerUser?: number;
    /** How many connections may come from one address, in all processes together. Default: no limit. */
    readonly connectionsPerAddress?: number;
    /**
     * What happens to a newcomer beyond `connectionsPerUser` or `connectionsPerAddress`. `'refuse'`: the oldest connections are
     * proven alive first, which takes half a second, or three where one does not answer; a gone one makes room. `'replace-oldest'`: the
     * oldest connection is closed for good at once, whether its client is there or not, and the newcomer is let in. Its `EventSource` is
     * told not to return. Of several newcomers at once each is let in, one after the other. A newcomer is refused only where no process
     * has such a connection open for 5 s: those of a process that died count until its lease has run out. Default `'refuse'`.
     */
    readonly onLimit?: 'refuse' | 'replace-oldest';
    /** The largest metadata of a connection, in bytes of JSON. Default 4,096. */
    readonly metadataBytes?: number;
    /** How many channels a connection may be on. Default 1,000. */
    readonly channelsPerConnection?: number;
    /** The largest data of one event, in bytes of UTF-8. Default 1 MiB. */
    readonly payloadBytes?: number;
    /**
     * How many bytes may wait in this process for one client that reads slowly. Beyond it the hub stops pushing, and
     * catches up from the log when the client has read. Default 64 KiB.
     */
    readonly bufferedBytes?: number;
  };
  /**
   * A client that has not taken a byte of what waits for it for this long is closed. It may come back and resume.
   * Default one minute.
   */
  readonly stallTimeout?: number;
  /**
   * A stream that is older is ended, so that its client connects anew and load spreads again after a deploy; each at a
   * time of its own, up to a fifth earlier or later. 0: never. Default one hour.
   */
  readonly maxConnectionAge?: number;
  /** The hand-over of clients when the application closes. */
  readonly drain?: {
    /**
     * How long `app.close()` takes at most to hand open streams over: they are closed one after the other within it,
     * and those that have not ended by then are cut. Default 5,000.
     */
    readonly timeout?: number;
    /**
     * How long runs of this process (`hub.run()`) may take to end by themselves at `app.close()`, before `timeout` begins; those that
     * have not ended are interrupted. Keep both together below the grace period of your platform. Default 0: they are interrupted at once.
     */
    readonly runs?: number;
    /** How long a client that is handed over waits before it reconnects, on the average, as `retry`. Default: `retry`. */
    readonly retry?: number;
  };
  /** The register of all connections of all processes. Times are in ms. */
  readonly registry?: {
    /** A process that has not renewed its lease for this long is taken for dead. Renewed three times within it. Default 15,000. */
    readonly leaseTtl?: number;
    /** Within this time after its lease ran out, what a dead process left behind is gone. Default 5,000. */
    readonly sweepInterval?: number;
  };
  /** After this long without an answer from Redis a publish is rejected; after twice that a connection on which any command waits is given up. Default 5,000. */
  readonly publishTimeout?: number;
  /** How long the start waits for Redis before it fails. Default 5,000. */
  readonly connectTimeout?: number;
  /** How often the node proves, through the real publish path, that it hears what is published. Default 5,000. */
  readonly probeInterval?: number;
  /**
   * What a process costs Redis that has no client and no listener. `'cheap'` is for hosts that bill by command: it renews its
   * lease, proves its link and looks for dead processes twelve times more rarely, once a minute by default. Its lease lasts
   * twelve times as long. So others take an idle process that died for living until then, and it finds dead processes later.
   * It does so from `registry.leaseTtl` after its last client on. The first client or listener ends it at once.
   *
   * @default 'normal'
   */
  readonly idle?: 'normal' | 'cheap';
  /**
   * Within this time the node finds an announcement that got lost though the connection stayed up. It does so also if no
   * later event of the channel tells of it. `probeInterval` must be at most a third of it. Default 30,000, at most half
   * of `history.ttl`.
   */
  readonly auditInterval?: number;
  /**
   * How many replicas of Redis are to have an event before `publish` and `publishMany` resolve (`WAIT`): what they have, a
   * failover to one of them keeps. Where fewer have it within half a second, the publish rejects with a `NotReplicatedError`; the
   * event is stored and announced all the same. `publish` takes it too, for one event. Pipes do not wait, and the embedded broker has
   * no replicas. Default 0: nobody is waited for.
   */
  readonly replicas?: number;
  /** For how long a publish that is repeated with the same `idempotencyKey` is recognised. Default ten minutes. */
  readonly idempotencyWindow?: number;
  /**
   * Returns the id of the user who is connecting, from the adapter's request object. Default: `request.user?.id`.
   *
   * A class is an `SseIdentifier`: `identify: { useExisting: SessionService }`.
   *
   * @example identify: (request) => request.session?.accountId
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- Express' and Fastify's requests have no common type
  readonly identify?: ((request: any) => UserId | Promise<UserId>) | OptionClass<SseIdentifier>;
  /**
   * Who may be on a channel: asked for each channel when a client connects, when it is subscribed later, again every
   * `authorization.interval`, and by `hub.reauthorize()`. A function, or rules by pattern of the channel's name, of
   * which the first that fits decides; a channel that none fits is refused. The `authorize` of a channel definition goes before it. Or a class, an `SseAuthorizer`, with what it
   * injects: `authorize: { useExisting: OrdersAuthorizer }`. Default: whatever the handler names.
   *
   * @example
   * ```ts
   * authorize: {
   *   'news': true,                                   // everybody
   *   'room:{room}': 'user',                          // whoever is somebody
   *   'user:{user}': true,                            // {user} is the id of the client's user, nobody else's
   *   'order:{id}': (client, { id }) => orders.mayRead(client.user, id),
   * }
   * ```
   */
  readonly authorize?: AuthorizeFunction | ChannelRules | OptionClass<SseAuthorizer>;
  /** How answers of `authorize` are kept, and what a later refusal does. Times are in ms. */
  readonly authorization?: {
    /** How long an answer is trusted before `authorize` is asked again. Default one minute. */
    readonly interval?: number;
    /**
     * What a refusal costs: the channel alone, or the whole connection. Either way the client is told by an `error`
     * event. When no channel is left, a stream that began with some ends for good. Default `'channel'`.
     */
    readonly onRefusal?: 'channel' | 'connection';
  };
  /**
   * Makes of the data of an event what is published: the place for what an interceptor does to an ordinary answer,
   * since interceptors do not see the events of the hub. The hub calls it once for each event of `publish`,
   * `publishMany`, `pipe` and `sendTo`, strings included, and never for its own events. `channel` is undefined for `sendTo`.
   *
   * It must be synchronous. If it throws or returns a Promise, the call rejects with an `InvalidEventError` and the
   * event is not sent. Default: the data as it is.
   *
   * @example
   * ```ts
   * import { instanceToPlain } from 'class-transformer';
   *
   * serialize: (data) => instanceToPlain(data), // what ClassSerializerInterceptor does: @Exclude() and @Expose() count
   * ```
   */
  readonly serialize?: SerializeFunction;
  /**
   * Whether frames are written to sockets directly, past undocumented parts of Node, where that is possible
   * (docs/internals.md). `false` takes these parts out of a production incident, for about a fifth more CPU for each event.
   *
   * @default true
   */
  readonly directWrites?: boolean;
}

/** The interface of a class that is given to `SseRedisModule.forRootAsync({ useClass | useExisting })`. */
export interface SseRedisOptionsFactory {
  /** Makes the options, once, when the application starts. */
  createSseRedisOptions(): SseRedisOptions | Promise<SseRedisOptions>;
}
