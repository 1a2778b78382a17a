import { firstValueFrom, isObservable } from 'rxjs';
import type { ConnectOptions } from '../hub/hub.types.js';
import { resolveChannels, type ChannelsOfRequest } from './channels-of-request.js';
import { InjectStreamRequest, type StreamRequest } from './stream-request.pipe.js';
import { wrapHandler } from './wrap-handler.js';

/** The key of what `@SseChannels()` keeps with a handler. */
export const SSE_CHANNELS = Symbol('SSE_CHANNELS');

export interface SseChannelsMetadata {
  readonly channels: ChannelsOfRequest;
  readonly options: ConnectOptions;
}

/**
 * Makes an `@Sse()` handler stream these channels. The handler still runs, after guards and pipes, and may refuse by
 * throwing; what it returns is ignored.
 *
 * A channel definition takes its parameters from the path: `{id}` is `:id`, and `{user}` the client's user. `@nestjs/swagger` then
 * documents its events.
 *
 * @example
 * ```ts
 * @Sse(':id/progress')
 * @SseChannels((request) => `order:${request.params.id}`)
 * progress() {}
 *
 * @Sse('orders/:id')
 * @SseChannels(orders) // defineChannel('order:{id}', …)
 * order() {}
 * ```
 */
export function SseChannels(channels: ChannelsOfRequest, options: ConnectOptions = {}): MethodDecorator {
  return (target, key, descriptor) => {
    const handler = wrapHandler(target, key, descriptor, InjectStreamRequest(), (method, index) => {
      return async function (...args) {
        const { hub, client } = args[index] as StreamRequest;
        const returned = await method.apply(this, args.slice(0, index));
        // Not the last value: what a method returns may never end, and is not looked at. It may refuse, though.
        if (isObservable(returned)) await firstValueFrom(returned, { defaultValue: undefined });
        return hub.connect(client, await resolveChannels(channels, client.request, client), options);
      };
    });
    const metadata: SseChannelsMetadata = { channels, options };
    Reflect.defineMetadata(SSE_CHANNELS, metadata, handler);
  };
}
