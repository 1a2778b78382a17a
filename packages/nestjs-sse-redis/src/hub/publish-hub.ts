import type { ChannelReference } from '../channels/channel-definition.js';
import type { EventInput, EventSchemas, EventType } from '../channels/event-schemas.js';
import { isNamedChannel, type ChannelLike } from '../event/channel-reference.js';
import type { SseEventInput } from '../event/sse-event.js';
import type * as publish from '../publish/publish.types.js';
import type { HubParts } from './hub-parts.js';
import { RunHub } from './run-hub.js';

/** The publishing of `SseHub`. */
export abstract class PublishHub extends RunHub {
  /** @internal */
  protected abstract readonly node: HubParts;

  /**
   * Publishes an event to a channel. Resolves when it is in the channel's log: from then on every client of the
   * channel gets it, or is told of the gap.
   *
   * A channel with a definition takes the events that the definition names. Their schemas check the data, and what they make of it
   * is stored. The order of calls holds within a channel, also where schemas are asynchronous.
   *
   * @returns the event's id
   * @throws InvalidChannelError | InvalidEventError | InvalidEventDataError | PayloadTooLargeError nothing was sent
   * @throws RedisUnavailableError | RedisRefusedError nothing was stored
   * @throws StateFullError a state channel has no room for another key; nothing was stored
   * @throws NotReplicatedError it was stored, but fewer replicas have it than `replicas`
   * @throws PublishOutcomeUnknownError it may have been stored: publish it again only with the same `idempotencyKey`
   * @example
   * await hub.publish('news', { type: 'article', data: { title: 'Hello' } });
   * await hub.publish(orders({ id: 7 }), 'paid', { amount: 12 });
   * await hub.publish(board({ id: 7 }), 'moved', { x: 3, y: 4 }, { key: 'card-3' });
   */
  publish<Events extends EventSchemas, Type extends EventType<Events>>(
    channel: ChannelReference<Events, true>,
    type: Type,
    data: EventInput<Events[Type]>,
    options: publish.PublishOptionsOf<true>,
  ): Promise<publish.Published>;
  publish<Events extends EventSchemas, Type extends EventType<Events>>(
    channel: ChannelReference<Events, false>,
    type: Type,
    data: EventInput<Events[Type]>,
    options?: publish.PublishOptionsOf<false>,
  ): Promise<publish.Published>;
  publish<Channel extends ChannelLike>(
    channel: Channel,
    event: publish.EventInputOf<Channel>,
    ...options: publish.OptionsArgument<Channel>
  ): Promise<publish.Published>;
  publish(
    channel: ChannelLike,
    first: unknown,
    second?: unknown,
    third?: unknown,
  ): Promise<publish.Published> {
    const { publisher } = this.node;
    if (isNamedChannel(channel) && typeof first === 'string')
      return publisher.publish(channel, { type: first, data: second }, third as publish.PublishOptions);
    return publisher.publish(channel, first as SseEventInput, second as publish.PublishOptions);
  }

  /**
   * Removes a key of a state channel, for clients and for those who come later. A key that is not there is no error, and sends nothing.
   *
   * @param channel a reference, or the name, of a channel that is defined with `state`
   * @param key with which an event was published
   * @returns the id of the removal; where the key is not there, the id of now
   * @throws InvalidChannelError | InvalidEventError nothing was sent
   * @throws RedisUnavailableError | RedisRefusedError | NotReplicatedError | PublishOutcomeUnknownError as `publish`
   * @example await hub.remove(board({ id: 7 }), 'card-3');
   */
  remove(
    channel: string | ChannelReference<EventSchemas, true>,
    key: string,
    options?: publish.RemoveOptions,
  ): Promise<publish.Published> {
    return this.node.publisher.remove(channel, key, options);
  }

  /**
   * Publishes events in one round trip, in their order. Never rejects for one of them: each has a result of its own,
   * at its place, and those that are well formed are sent even if others are not.
   */
  publishMany(events: readonly publish.ChannelEventInput<ChannelLike>[]): Promise<publish.PublishResult[]> {
    return this.node.publisher.publishMany(events);
  }
}
