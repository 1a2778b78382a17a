import { Inject } from '@nestjs/common';
import { concatMap, isObservable } from 'rxjs';
import { isChannelDefinition } from '../channels/define-channel.js';
import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import type { ChannelLike } from '../event/channel-reference.js';
import { SseHub } from '../hub/sse-hub.js';

/** The channel of a result: named, or computed from it and the arguments of the method. `undefined`: it is not published. */
export type ChannelOfResult =
  | ChannelLike
  // oxlint-disable-next-line typescript/no-explicit-any -- the results and arguments of any method
  | ((result: any, ...args: any[]) => ChannelLike | undefined);

type Method = (this: Partial<Record<typeof HUB, SseHub>>, ...args: unknown[]) => unknown;

/** The property of the class that has the hub. */
const HUB = Symbol('nestjs-sse-redis.hub');

/**
 * Publishes what a method of a provider or controller returns: a handler of CQRS, a listener of `@OnEvent()`, a `@MessagePattern()`, a
 * processor of BullMQ.
 *
 * The method's caller gets the same result, once it is published: a Promise, or an Observable, each of whose items is published as it
 * comes. `undefined` is not published. A result that cannot be published is an error of the method, any one of `hub.publish()`.
 *
 * @param channel of the result
 * @param type of the event. Default: a `message`
 * @throws InvalidOptionsError for a channel definition, whose parameters nobody gives
 * @example
 * ```ts
 * @OnEvent('order.paid')
 * @PublishTo(({ id }) => orders({ id }), 'paid')
 * onPaid(order: Order) {
 *   return { id: order.id, amount: order.amount };
 * }
 * ```
 */
export function PublishTo(channel: ChannelOfResult, type?: string): MethodDecorator {
  if (isChannelDefinition(channel))
    throw new InvalidOptionsError(
      `@PublishTo() takes a channel, not the definition of many: (result) => definition({ … }), for ${JSON.stringify(channel.pattern)}.`,
    );
  return (target, key, descriptor) => {
    Inject(SseHub)(target, HUB);
    const method = descriptor.value as Method;
    const handler: Method = function (...args) {
      const hub = this[HUB];
      if (!hub)
        throw new InvalidOptionsError(
          `@PublishTo() of ${String(key)}() finds no hub: its class has to be a provider or controller that Nest makes.`,
        );
      const publish = async (result: unknown): Promise<unknown> => {
        const to = typeof channel === 'function' ? channel(result, ...args) : channel;
        if (result !== undefined && to !== undefined)
          await hub.publish(to, { data: result, ...(type !== undefined && { type }) });
        return result;
      };
      const returned = method.apply(this, args);
      return isObservable(returned) ? returned.pipe(concatMap(publish)) : toPublished(returned, publish);
    };
    Object.defineProperty(handler, 'name', { value: method.name });
    // What decorators below said of the method.
    for (const metadataKey of Reflect.getMetadataKeys(method) as unknown[])
      Reflect.defineMetadata(metadataKey, Reflect.getMetadata(metadataKey, method), handler);
    (descriptor as { value?: unknown }).value = handler;
  };
}

/** A microservice's handler may resolve to an Observable. */
async function toPublished(
  returned: unknown,
  publish: (result: unknown) => Promise<unknown>,
): Promise<unknown> {
  const result = await returned;
  return isObservable(result) ? result.pipe(concatMap(publish)) : publish(result);
}
