import { Inject } from '@nestjs/common';
import { concatMap, isObservable } from 'rxjs';
import { isChannelDefinition } from '../channels/define-channel.js';
import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { readChannelName, type ChannelLike } from '../event/channel-reference.js';
import type { PublishOptions } from '../hub/hub.types.js';
import { SseHub } from '../hub/sse-hub.js';
import { Logger } from '../util/logger.js';
import { stackOf } from '../util/stack-of.js';

const logger = new Logger('PublishTo');

/**
 * The channel of a result: named, or computed from it and the arguments of the method. `undefined`: it is not published. The function
 * is not called for a result that is `undefined`.
 */
export type ChannelOfResult =
  | ChannelLike
  // oxlint-disable-next-line typescript/no-explicit-any -- the results and arguments of any method
  | ((result: any, ...args: any[]) => ChannelLike | undefined);

/**
 * Options of the publish of a result, as those of `hub.publish()`: fixed ones, or computed from the result and the arguments of the
 * method. A fixed `idempotencyKey` would let one event through, so that and the `key` of a state channel are computed.
 */
export type PublishOptionsOfResult =
  | Pick<PublishOptions, 'ephemeral' | 'replicas'>
  // oxlint-disable-next-line typescript/no-explicit-any -- the results and arguments of any method
  | ((result: any, ...args: any[]) => PublishOptions);

type Method = (this: Partial<Record<typeof HUB, SseHub>>, ...args: unknown[]) => unknown;

/** The property of the class that has the hub. */
const HUB = Symbol('nestjs-sse-redis.hub');

/**
 * Publishes what a method of a provider or controller returns: a handler of CQRS, a listener of `@OnEvent()`, a `@MessagePattern()`, a
 * processor of BullMQ.
 *
 * The method's caller gets the same result, once it is published: a Promise, or an Observable, each of whose items is published as it
 * comes. `undefined` is not published. A result that cannot be published is logged, and is an error of the method, any one of
 * `hub.publish()`. A caller that drops the Promise, as BullMQ does for events of a worker, is not ended by that.
 *
 * @param channel of the result
 * @param type of the event. Default: a `message`
 * @param options of `hub.publish()`. With an `idempotencyKey` of the arguments a handler that is called again, as a job of BullMQ is,
 * publishes once within `idempotencyWindow`
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
export function PublishTo(
  channel: ChannelOfResult,
  type?: string,
  options?: PublishOptionsOfResult,
): MethodDecorator {
  if (isChannelDefinition(channel))
    throw new InvalidOptionsError(
      `@PublishTo() takes a channel, not the definition of many: (result) => definition({ … }), for ${JSON.stringify(channel.pattern)}.`,
    );
  return (target, key, descriptor) => {
    Inject(SseHub)(target, HUB);
    const method = descriptor.value as Method;
    const label = `${target.constructor.name}.${String(key)}`;
    const handler: Method = function (...args) {
      const hub = this[HUB];
      if (!hub) throw noHub(label);
      const publish = (result: unknown): Promise<unknown> =>
        publishResult(hub, result, {
          label,
          toChannel: () => (typeof channel === 'function' ? channel(result, ...args) : channel),
          type,
          toOptions: () => (typeof options === 'function' ? options(result, ...args) : options),
        });
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

interface Publication {
  /** Of the method, for the log. */
  readonly label: string;
  readonly toChannel: () => ChannelLike | undefined;
  readonly type: string | undefined;
  readonly toOptions: () => PublishOptions | undefined;
}

/**
 * Publishes a result, and returns it. A failure is logged here: many callers of handlers drop it, such as Nest's `@EventPattern()` for any
 * `HttpException`.
 */
async function publishResult(
  hub: SseHub,
  result: unknown,
  { label, toChannel, type, toOptions }: Publication,
): Promise<unknown> {
  if (result === undefined) return result;
  let to: ChannelLike | undefined;
  try {
    to = toChannel();
    if (to !== undefined)
      await hub.publish(to, { data: result, ...(type !== undefined && { type }) }, toOptions());
  } catch (error) {
    const where = to === undefined ? '' : ` to ${JSON.stringify(readChannelName(to))}`;
    logger.error(`The result of ${label}() was not published${where}.`, stackOf(error));
    throw error;
  }
  return result;
}

/** Nest gives a hub to what it makes. The error is logged here, since Nest answers an `HttpException` without a word in the log. */
function noHub(label: string): InvalidOptionsError {
  const error = new InvalidOptionsError(
    `@PublishTo() of ${label}() finds no hub: Nest has to make the instance, and not a useFactory, a useValue or \`new\`.`,
  );
  logger.error(error.message);
  return error;
}

/** A microservice's handler may resolve to an Observable. */
function toPublished(returned: unknown, publish: (result: unknown) => Promise<unknown>): Promise<unknown> {
  const outcome = publishAwaited();
  return outcome;

  async function publishAwaited(): Promise<unknown> {
    const result = await returned;
    if (isObservable(result)) return result.pipe(concatMap(publish));
    try {
      return await publish(result);
    } catch (error) {
      // It is logged. An `EventEmitter`, such as a worker of BullMQ, drops Promises, and Node ends a process for a rejection that nobody
      // handles. Without `@PublishTo()` the method might have been one that cannot reject.
      outcome.catch(() => undefined);
      throw error;
    }
  }
}
