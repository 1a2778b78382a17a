import { Inject } from '@nestjs/common';
import type { ChannelDefinitionFields } from '../channels/channel-definition.js';
import type { EventOf } from '../channels/channel-events.js';
import { isChannelDefinition } from '../channels/define-channel.js';
import { parseChannel, toChannels } from '../event/channel-name.js';
import type { ChannelLike } from '../event/channel-reference.js';
import { SseHub } from '../hub/sse-hub.js';
import type { Listened } from './listened-log.js';
import {
  resolveListenerOptions,
  type ResolvedListenerOptions,
  type SseListenerOptions,
} from './listener-options.js';

/** What `@OnSseEvent()` says of a method. */
export interface Listening {
  readonly channels: readonly Listened[];
  readonly options: ResolvedListenerOptions;
}

/** The key of the list of what decorators say of a method. */
export const LISTENINGS = Symbol('SSE_LISTENINGS');

/** The property of the class that has the hub. */
export const LISTENER_HUB = Symbol('nestjs-sse-redis.listener-hub');

/**
 * Calls a method of a provider or controller with each event of channels, one after the other for each channel: those that were published,
 * and `gap`, `end` and `error` of the hub.
 *
 * A method that throws, or rejects, is called again with the same event, with growing waits, up to `attempts` times. Then the error is
 * logged, and the next event follows. docs/bridges.md says what is kept over failures.
 *
 * @param channel names or references; or a definition with `listeners: true`, or its pattern, for all channels that it has. `channel` of an
 * event names the one to which it was published
 * @throws InvalidOptionsError for a wrong option; and at the start for a pattern to whose channels nobody may listen together
 * @example
 * ```ts
 * @OnSseEvent('orders', { once: 'cluster' })
 * async onOrder({ type, data }: SseEvent) {
 *   if (type === 'paid') await this.mails.sendReceipt(data as Order);
 * }
 * ```
 */
export function OnSseEvent<const Channel extends ChannelLike | ChannelDefinitionFields>(
  channel: Channel | readonly Channel[],
  options: SseListenerOptions,
): <Method extends (event: EventOf<Channel>) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void {
  return (target, key, descriptor) => {
    const method = `${target.constructor.name}.${String(key)}`;
    const channels = checkChannels(channel);
    const resolved = resolveListenerOptions(method, options);
    Inject(SseHub)(target, LISTENER_HUB);
    const handler = descriptor.value as object;
    const others = (Reflect.getMetadata(LISTENINGS, handler) ?? []) as readonly Listening[];
    Reflect.defineMetadata(LISTENINGS, [...others, { channels, options: resolved }], handler);
  };
}

function checkChannels(channel: Listened | readonly Listened[]): Listened[] {
  const channels = isChannelDefinition(channel) ? [channel] : ([...toChannels(channel)] as Listened[]);
  for (const one of channels) {
    // Whether a pattern has listeners is known when the hub starts.
    if (!isChannelDefinition(one)) parseChannel(one);
  }
  return channels;
}
