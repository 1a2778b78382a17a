import { Logger } from '../../util/logger.js';
import type { Redis } from 'ioredis';
import { toChunks } from '../../util/chunks.js';
import { SpacedBatch } from '../../util/spaced-batch.js';

/** How many channels one command names: a very long command would hold up what else Redis has to do. */
const CHANNELS_PER_COMMAND = 512;
/** The least time from one command to the next, as from one registration to the next, which a connection waits for as well. */
const SPACING_MS = 20;
/** How long after a refused subscription a new connection is made. */
const REFUSED_RETRY_MS = 1_000;
/** How long a connection is kept at least to a node that no longer has the slot. */
const MOVED_RETRY_MS = 100;

/** The events of a subscription, for its broker. */
export interface SubscriptionListener {
  message(channel: Buffer, message: Buffer): void;
  /** The connection is gone. */
  lost(): void;
  /** The connection is back and every wanted channel is acknowledged. */
  restored(): void;
  /** The channels are on another server now. */
  moved(): void;
  /** Redis refused, or the connection is down: the error for it, undefined being no more than down. */
  failed(cause?: unknown): Error;
}

/**
 * The one subscriber connection of a node and the channels that it is on.
 *
 * ioredis could subscribe again by itself after a loss, but does not say when the acknowledgements are in. What is
 * published before them is not heard: so this does it, and says so.
 */
export class Subscription {
  private readonly logger = new Logger('SseRedisSubscription');
  /** The channels to be on; those with a batch have been asked for, but not acknowledged on this connection. */
  private readonly wanted = new Map<string, Promise<void> | undefined>();
  /** The channels that are wanted anew at about the same time go out in one command. */
  private readonly batches = new SpacedBatch<Set<string>, void>(
    () => new Set(),
    (channels, sent) => this.subscribeBatch(channels, sent),
    SPACING_MS,
  );
  private leaving: Set<string> | undefined;
  /** Those that Redis was asked to take the connection off, until it has answered, or the connection is gone. */
  private readonly unsubscribing = new Map<string, Promise<void>>();
  private lostBefore = false;
  private closed = false;
  private connected = false;
  /** The connection is given up, and not closed yet. */
  private isGivenUp = false;
  private readyAt = -Infinity;
  /** Of the connection that is to be made anew. */
  private renewTimer: NodeJS.Timeout | undefined;

  /** @param isSharded it is on channels of the cluster's node, not on those of all nodes */
  constructor(
    private readonly redis: Redis,
    private readonly listener: SubscriptionListener,
    private readonly isSharded: boolean,
  ) {
    redis.on(isSharded ? 'smessageBuffer' : 'messageBuffer', (channel: Buffer, message: Buffer) => {
      if (this.unsubscribing.size > 0 && this.isUnsubscribing(channel.toString())) return;
      listener.message(channel, message);
    });
    redis.on('close', () => this.onClose());
    // The slot has another node, and this one has taken the connection off its channels; it stays open. Not documented, but
    // so in ioredis 6.0 (DataHandler): without it the probe would find out.
    if (isSharded) redis.on('moved', () => this.onMoved());
    redis.on('ready', () => {
      this.readyAt = performance.now();
      if (this.lostBefore) void this.restore();
    });
  }

  /** For the first time; the connection is there. */
  async start(channels: readonly string[]): Promise<void> {
    this.connected = true;
    await Promise.all(channels.map((channel) => this.add(channel)));
  }

  /** Resolves when Redis has acknowledged the channel: whatever is published from then on is heard. */
  add(channel: string): Promise<void> {
    if (!this.connected) return Promise.reject(this.listener.failed());
    this.leaving?.delete(channel);
    const known = this.wanted.get(channel);
    if (known || this.wanted.has(channel)) return known ?? Promise.resolve();
    const { items: channels, result: sent } = this.batches.current;
    channels.add(channel);
    this.wanted.set(channel, sent);
    return sent;
  }

  /** Leaves a channel, unless it is wanted again within this tick. */
  remove(channel: string): void {
    if (!this.wanted.delete(channel)) return;
    // It may have been left and wanted in this very tick: then Redis still has it.
    this.batches.items?.delete(channel);
    if (!this.leaving) {
      this.leaving = new Set();
      setImmediate(() => this.leave());
    }
    this.leaving.add(channel);
  }

  /** Gives up the connection and makes a new one, on the same channels. */
  reconnect(): void {
    // Each announcement of another line asks for it, and ioredis adds a timer and a listener each time.
    if (this.isGivenUp) return;
    // While ioredis connects, `disconnect` would end it for good.
    if (this.redis.status !== 'ready') return;
    this.isGivenUp = true;
    this.redis.disconnect(true);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.wanted.clear();
    this.redis.disconnect();
    await Promise.resolve();
  }

  private async subscribeBatch(channels: ReadonlySet<string>, sent: Promise<void>): Promise<void> {
    const answers = this.answersBefore(channels);
    if (answers.size > 0) await Promise.all(answers);
    // Left again meanwhile, it is nobody's any more.
    const list = [...channels].filter((channel) => this.wanted.get(channel) === sent);
    try {
      await this.subscribe(list);
      for (const channel of list) if (this.wanted.get(channel) === sent) this.wanted.set(channel, undefined);
    } catch (cause) {
      for (const channel of list) if (this.wanted.get(channel) === sent) this.wanted.delete(channel);
      throw this.listener.failed(cause);
    }
  }

  /** Those of Redis that are to be waited for before some channels may be subscribed to anew. They never reject. */
  private answersBefore(channels: ReadonlySet<string>): Set<Promise<void>> {
    const answers = new Set<Promise<void>>();
    if (this.unsubscribing.size === 0) return answers;
    for (const channel of channels) {
      const answered = this.unsubscribing.get(channel);
      if (answered) answers.add(answered);
    }
    return answers;
  }

  /**
   * Until Redis has answered an UNSUBSCRIBE, it goes on to announce. What comes then is of a subscription that is about
   * to end: whoever wants the channel anew would take it for the beginning of the new one, and what is published
   * between the two would be missing.
   */
  private isUnsubscribing(channel: string): boolean {
    return this.unsubscribing.has(channel);
  }

  private async subscribe(channels: readonly string[]): Promise<void> {
    const commands = toChunks(channels, CHANNELS_PER_COMMAND);
    const { redis, isSharded } = this;
    await Promise.all(
      commands.map((some) => (isSharded ? redis.ssubscribe(...some) : redis.subscribe(...some))),
    );
  }

  private leave(): void {
    const channels = [...(this.leaving ?? [])];
    this.leaving = undefined;
    if (!this.connected || this.closed) return;
    for (const some of toChunks(channels, CHANNELS_PER_COMMAND)) this.unsubscribe(some);
  }

  private unsubscribe(channels: readonly string[]): void {
    const { redis, isSharded } = this;
    const sent = isSharded ? redis.sunsubscribe(...channels) : redis.unsubscribe(...channels);
    const answered: Promise<void> = sent
      // The connection broke: the next one is on none of these.
      .catch((error: Error) => this.closed || this.logger.debug(`Could not unsubscribe: ${error.message}`))
      .then(() => {
        for (const channel of channels)
          if (this.unsubscribing.get(channel) === answered) this.unsubscribing.delete(channel);
      });
    for (const channel of channels) this.unsubscribing.set(channel, answered);
  }

  /** Called once for each channel, and where Redis refuses one for this reason. */
  private onMoved(): void {
    this.listener.moved();
    // Nodes learn of it one after another: the next connection may lead to the same one.
    this.renewAfter(this.readyAt + MOVED_RETRY_MS - performance.now());
  }

  private renewAfter(ms: number): void {
    this.renewTimer ??= setTimeout(() => this.reconnect(), Math.max(0, ms)).unref();
  }

  private onClose(): void {
    clearTimeout(this.renewTimer);
    this.renewTimer = undefined;
    this.isGivenUp = false;
    if (!this.connected || this.closed) return;
    this.connected = false;
    this.unsubscribing.clear();
    this.lostBefore = true;
    this.listener.lost();
  }

  private async restore(): Promise<void> {
    // From here on `add` may be used; what it asks for is acknowledged by itself.
    this.connected = true;
    try {
      await this.subscribe([...this.wanted.keys()]);
    } catch (error) {
      const { message } = this.listener.failed(error);
      this.logger.debug(`Could not subscribe again: ${message}. Trying with a new connection.`);
      // A refusal (ACL), not a loss, leaves the connection as it is. It may last: the attempts have a pause between them.
      if (this.connected) this.renewAfter(REFUSED_RETRY_MS);
      return;
    }
    if (this.redis.status === 'ready') this.listener.restored();
  }
}
