import type { ChannelReference } from '../channels/channel-definition.js';
import { ChannelDefinitions } from '../channels/channel-definitions.js';
import type { EventInput, EventSchemas, EventType } from '../channels/event-schemas.js';
import { HubClosedError } from '../errors/hub-closed.error.js';
import { isNamedChannel, type ChannelLike } from '../event/channel-reference.js';
import type { SseEventInput } from '../event/sse-event.js';
import type {
  ChannelEventInput,
  EventInputOf,
  Published,
  OptionsArgument,
  PublishOptions,
  PublishOptionsOf,
  PublishResult,
  RemoveOptions,
} from '../publish/publish.types.js';
import { Publisher } from '../publish/publisher.js';
import { resolvePublisherOptions, type PublisherOptions } from './publisher-options.js';
import { PublisherShards } from './publisher-shards.js';

/** Publishes to the channels of a hub, from a process without Nest. `createPublisher` makes one. */
export interface SsePublisher extends AsyncDisposable {
  /**
   * Publishes an event to a channel, as `hub.publish()` does: with the same checks, ids and errors. It resolves when the event is in the
   * channel's log. While there is no connection it waits for one; `publishTimeout` is the limit for all of it.
   *
   * @returns the event's id
   * @throws InvalidChannelError | InvalidEventError | InvalidEventDataError | PayloadTooLargeError nothing was sent
   * @throws InvalidOptionsError | UnsupportedRedisError nothing was sent: `shards` is not the hub's number, or the server is not for it
   * @throws RedisUnavailableError | RedisRefusedError nothing was stored
   * @throws NotReplicatedError it was stored, but fewer replicas have it than `replicas`
   * @throws PublishOutcomeUnknownError it may have been stored: publish it again only with the same `idempotencyKey`
   * @throws HubClosedError after `close()`
   * @example await publisher.publish('news', { type: 'article', data: { title: 'Hello' } }, { idempotencyKey: job.id });
   */
  publish<Events extends EventSchemas, Type extends EventType<Events>>(
    channel: ChannelReference<Events, true>,
    type: Type,
    data: EventInput<Events[Type]>,
    options: PublishOptionsOf<true>,
  ): Promise<Published>;
  /** Publishes an event of a type that the channel's definition names, with the checks and errors of the first form. @returns the event's id */
  publish<Events extends EventSchemas, Type extends EventType<Events>>(
    channel: ChannelReference<Events, false>,
    type: Type,
    data: EventInput<Events[Type]>,
    options?: PublishOptionsOf<false>,
  ): Promise<Published>;
  /** Publishes an event to any channel, by its name or a reference, with the checks and errors of the first form. @returns the event's id */
  publish<Channel extends ChannelLike>(
    channel: Channel,
    event: EventInputOf<Channel>,
    ...options: OptionsArgument<Channel>
  ): Promise<Published>;
  /**
   * Removes a key of a state channel, as `hub.remove()` does. Its definition has to be among `channels`.
   *
   * @returns the id of the removal; where the key is not there, the id of now
   * @throws the errors of `publish`
   * @example await publisher.remove(board({ id: 7 }), 'card-3');
   */
  remove(
    channel: string | ChannelReference<EventSchemas, true>,
    key: string,
    options?: RemoveOptions,
  ): Promise<Published>;
  /**
   * Publishes events in one round trip, in their order. Never rejects for one of them: each has a result of its own, at its place, and
   * those that are well formed are sent even if others are not.
   */
  publishMany(events: readonly ChannelEventInput<ChannelLike>[]): Promise<PublishResult[]>;
  /**
   * Resolves when each publish that was begun has its outcome, and the connection is closed: after `publishTimeout` at the latest.
   * Nothing keeps the process from ending then.
   */
  close(): Promise<void>;
}

/**
 * Makes a publisher for workers, scheduled jobs and functions. It has one connection to Redis (one a shard that it publishes to), which
 * the first publish opens. It loads nothing of Nest.
 *
 * @throws InvalidOptionsError naming every option that is wrong
 * @example
 * ```ts
 * await using publisher = createPublisher({ redis: process.env.REDIS_URL });
 * await publisher.publish('order:7', { type: 'paid', data: { total: 12 } });
 * ```
 */
export function createPublisher(options: PublisherOptions): SsePublisher {
  return new WorkerPublisher(options);
}

class WorkerPublisher implements SsePublisher {
  private readonly shards: PublisherShards;
  private readonly publisher: Publisher;
  /** Publishes without an outcome. */
  private readonly pending = new Set<Promise<unknown>>();
  private closing: Promise<void> | undefined;
  /** Packages that schemas need. */
  private readonly loading: Promise<void> | undefined;

  constructor(options: PublisherOptions) {
    const resolved = resolvePublisherOptions(options);
    this.shards = new PublisherShards(resolved);
    const definitions = new ChannelDefinitions(resolved.channels, resolved.publishTimeout);
    const counters = { published: 0, publishFailures: 0 };
    this.publisher = new Publisher(this.shards, resolved, counters, () => this.check(), definitions);
    // Once for all publishes, which wait for it in their order.
    if (resolved.channels.length > 0) this.loading = definitions.load();
    // Each publish rejects with the reason.
    this.loading?.catch(() => undefined);
  }

  publish(channel: ChannelLike, first: unknown, second?: unknown, third?: unknown): Promise<Published> {
    const isTyped = isNamedChannel(channel) && typeof first === 'string';
    const event = (isTyped ? { type: first, data: second } : first) as SseEventInput;
    const options = (isTyped ? third : second) as PublishOptions | undefined;
    return this.track(this.whenLoaded(() => this.publisher.publish(channel, event, options)));
  }

  remove(channel: ChannelLike, key: string, options?: RemoveOptions): Promise<Published> {
    return this.track(this.whenLoaded(() => this.publisher.remove(channel, key, options)));
  }

  publishMany(events: readonly ChannelEventInput<ChannelLike>[]): Promise<PublishResult[]> {
    return this.track(this.whenLoaded(() => this.publisher.publishMany(events)));
  }

  private whenLoaded<T>(publish: () => Promise<T>): Promise<T> {
    return this.loading ? this.loading.then(publish) : publish();
  }

  close(): Promise<void> {
    return (this.closing ??= Promise.allSettled(this.pending).then(() => this.shards.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async track<T>(publishing: Promise<T>): Promise<T> {
    this.pending.add(publishing);
    try {
      return await publishing;
    } finally {
      this.pending.delete(publishing);
    }
  }

  private check(): void {
    if (this.closing)
      throw new HubClosedError('The publisher is closed. Make another one with createPublisher().');
  }
}
