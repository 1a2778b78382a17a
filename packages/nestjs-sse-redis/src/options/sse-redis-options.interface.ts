import type { Redis, RedisOptions } from 'ioredis';

/** What `SseRedisModule.forRoot` takes. Every option has a default that is right in production; times are in milliseconds. */
export interface SseRedisOptions {
  /**
   * Where Redis (6.2 or later) or Valkey is: a URL, ioredis options, or an existing ioredis `Redis`. From an existing
   * one the module takes the settings for two connections of its own, which it also closes; yours stays yours. A
   * `keyPrefix` in it goes in front of `prefix`.
   *
   * Left out: the embedded broker, for one process.
   */
  readonly redis?: string | RedisOptions | Redis;
  /** Begins the name of everything that the hub has in Redis. Hubs with different prefixes never meet. Default `'sse'`. */
  readonly prefix?: string;
  /** How much of each channel is kept for clients that come back. */
  readonly history?: {
    /** About how many events a channel keeps (Redis trims in blocks, so it may be a hundred more). Default 1,000. */
    readonly maxLength?: number;
    /** How long events are kept. Default one hour. */
    readonly ttl?: number;
  };
  /**
   * How often each connection is sent its position, which also keeps proxies from closing it. Default 20,000: the
   * shortest idle time-out in wide use, HAProxy's, is 30 s.
   */
  readonly heartbeatInterval?: number;
  /**
   * How long a client waits before it reconnects, on the average: each connection gets a random time of its own
   * between half and one and a half of this, so that those which are closed together do not come back together. Default 2,000.
   */
  readonly retry?: number;
  readonly limits?: {
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
  readonly drain?: {
    /** How long `app.close()` waits for open streams to be handed over before it cuts them. Default 5,000. */
    readonly timeout?: number;
  };
  /** After this long without an answer from Redis a publish is rejected. Default 5,000. */
  readonly publishTimeout?: number;
  /** How long the start waits for Redis before it fails. Default 5,000. */
  readonly connectTimeout?: number;
  /** How often the node proves, through the real publish path, that it hears what is published. Default 5,000. */
  readonly probeInterval?: number;
  /** For how long a publish that is repeated with the same `idempotencyKey` is recognised. Default ten minutes. */
  readonly idempotencyWindow?: number;
  /**
   * Who is connecting, from the adapter's request object. Default: `request.user?.id`.
   *
   * @example identify: (request) => request.session?.accountId
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- Express' and Fastify's requests have no common type
  readonly identify?: (request: any) => UserId | Promise<UserId>;
}

/** A user's id; a number becomes a string. */
export type UserId = string | number | null | undefined;

/** What a class given to `SseRedisModule.forRootAsync({ useClass | useExisting })` implements. */
export interface SseRedisOptionsFactory {
  createSseRedisOptions(): SseRedisOptions | Promise<SseRedisOptions>;
}
