import { Inject } from '@nestjs/common';
import type { EventOf } from '../channels/channel-events.js';
import { isChannelDefinition } from '../channels/define-channel.js';
import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { parseChannel, toChannels } from '../event/channel-name.js';
import { ChannelPattern } from '../event/channel-pattern.js';
import type { ChannelLike } from '../event/channel-reference.js';
import { SseHub } from '../hub/sse-hub.js';
import {
  resolveListenerOptions,
  type ResolvedListenerOptions,
  type SseListenerOptions,
} from './listener-options.js';

/** What `@OnSseEvent()` says of a method. */
export interface Listening {
  readonly channels: readonly ChannelLike[];
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
 * @param channel names or references. Patterns are none: no channel of a pattern is known before somebody names it
 * @throws InvalidOptionsError for a pattern, a definition, or a wrong option
 * @example
 * ```ts
 * @OnSseEvent('orders', { once: 'cluster' })
 * async onOrder({ type, data }: SseEvent) {
 *   if (type === 'paid') await this.mails.sendReceipt(data as Order);
 * }
 * ```
 */
export function OnSseEvent<const Channel extends ChannelLike>(
  channel: Channel | readonly Channel[],
  options: SseListenerOptions,
): <Method extends (event: EventOf<Channel>) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void {
  return (target, key, descriptor) => {
    const method = `${target.constructor.name}.${String(key)}`;
    const channels = checkChannels(method, channel);
    const resolved = resolveListenerOptions(method, options);
    Inject(SseHub)(target, LISTENER_HUB);
    const handler = descriptor.value as object;
    const others = (Reflect.getMetadata(LISTENINGS, handler) ?? []) as readonly Listening[];
    Reflect.defineMetadata(LISTENINGS, [...others, { channels, options: resolved }], handler);
  };
}

function checkChannels(method: string, channel: ChannelLike | readonly ChannelLike[]): ChannelLike[] {
  if (isChannelDefinition(channel)) throw isPattern(method, channel.pattern);
  const channels = [...toChannels(channel)] as ChannelLike[];
  for (const one of channels) {
    if (typeof one === 'string' && new ChannelPattern(one).placeholders.length > 0)
      throw isPattern(method, one);
    parseChannel(one);
  }
  return channels;
}

function isPattern(method: string, pattern: string): InvalidOptionsError {
  return new InvalidOptionsError(
    `@OnSseEvent() of ${method}() takes channels, not the pattern ${JSON.stringify(pattern)} of many: publish what it is to handle to one channel as well, by publishMany().`,
  );
}
