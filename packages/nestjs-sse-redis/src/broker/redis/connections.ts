import { Logger } from '../../util/logger.js';
import type { Redis } from 'ioredis';
import type { Duplex } from 'node:stream';
import { connectWithin } from './connect.js';
import { toCause } from './greeting.js';
import type { MasterWatch } from './master-watch.js';
import type { RedisSettings } from './redis-settings.js';

/** `RedisSettings` waits no longer before the first attempt to connect anew. */
const SHORT_WAIT_MS = 200;

/** The connection for commands: all that a publisher has. */
export class CommandConnection {
  readonly command: Redis;
  private readonly all: readonly Redis[];
  private readonly logger = new Logger('SseRedisBroker');
  private readonly watch: MasterWatch | undefined;

  /**
   * @param moved called where one leads to another server than the master, with what says so
   * @param others that go where the one for commands goes
   */
  constructor(
    private readonly settings: RedisSettings,
    moved: (cause: string) => void,
    others: readonly Redis[] = [],
  ) {
    this.command = settings.createCommandConnection();
    this.all = [this.command, ...others];
    this.watch = settings.createMasterWatch(this.all, (cause) => {
      moved(cause);
      for (const connection of this.all) hurry(connection);
    });
  }

  /** Calls a function with each error of a connection. Without a listener ioredis would print it to the console. */
  onFailed(failed: (error: Error) => void): void {
    for (const connection of this.all) {
      connection.on('error', (failure: Error) => {
        const error = toCause(connection, failure);
        this.logger.debug(`Redis at ${this.settings.address}: ${error.message}`);
        failed(error);
      });
    }
  }

  /**
   * Connects, trying again until the time is up; ioredis reconnects by itself.
   *
   * @param timeout ms
   * @throws RedisUnavailableError
   */
  async connect(timeout: number): Promise<void> {
    await connectWithin(timeout, this.settings.address, this.all);
  }

  /** Begins to watch where they lead. */
  startWatch(): void {
    this.watch?.start();
  }

  /**
   * Makes the one for commands anew: ioredis resolves the name, or asks who the master is, for each new connection.
   *
   * @param cause what Redis said, which may name the master
   * @returns resolves when it is closed: what comes over it until then says nothing about the next
   */
  async leave(cause: Error | undefined): Promise<void> {
    this.settings.cluster?.refused(cause);
    // While ioredis connects, `disconnect` would end it for good.
    if (this.command.status !== 'ready') return;
    const closed = new Promise<void>((resolve) => this.command.once('close', () => resolve()));
    this.command.disconnect(true);
    await closed;
  }

  /** Ends the watch, and a search for nodes that goes on. */
  stopWatch(): void {
    this.watch?.stop();
    this.settings.cluster?.close();
  }
}

/** The two connections of a hub: the one for commands, and the one that receives announcements. */
export class Connections extends CommandConnection {
  readonly subscriber: Redis;

  /** @param moved as in `CommandConnection` */
  constructor(settings: RedisSettings, moved: (cause: string) => void) {
    const subscriber = settings.createSubscriberConnection();
    super(settings, moved, [subscriber]);
    this.subscriber = subscriber;
    follow(this.command, subscriber);
    follow(subscriber, this.command);
  }
}

/**
 * Ends the wait of a connection for its next attempt where another one is there: the server is back.
 *
 * The wait after a connection that was there is short, and is not ended. Two connections that a server closes at once would bring each other
 * back without any pause.
 */
function follow(redis: Redis, other: Redis): void {
  let isLong = false;
  redis.on('reconnecting', (ms: number) => (isLong = ms > SHORT_WAIT_MS));
  other.on('ready', () => {
    if (isLong) connectNow(redis);
  });
}

/** Ends the wait of a connection for its next attempt. */
function connectNow(redis: Redis): void {
  const waiting = redis as unknown as { reconnectTimeout?: NodeJS.Timeout | null };
  // So in ioredis 5 and 6. A connection without it is closed, with the same status, or asks for credentials already.
  if (redis.status !== 'reconnecting' || !waiting.reconnectTimeout) return;
  clearTimeout(waiting.reconnectTimeout);
  waiting.reconnectTimeout = null;
  redis.connect().catch(() => undefined);
}

/** The same where another server is the master: an attempt at the one that hangs, or is gone, is given up. */
function hurry(redis: Redis): void {
  if (redis.status === 'reconnecting') return connectNow(redis);
  const { status, stream } = redis as { readonly status: string; readonly stream?: Duplex | undefined };
  if (!['connecting', 'connect'].includes(status) || !stream || stream.destroyed) return;
  redis.once('reconnecting', () => connectNow(redis));
  stream.destroy();
}
