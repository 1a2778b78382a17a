import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import type { ConnectOptions } from '../hub/hub.types.js';
import type { ChannelsOfRequest } from './channels-of-request.js';
import { SSE_CHANNELS, SseChannelsInterceptor } from './sse-channels.interceptor.js';

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
  return applyDecorators(
    SetMetadata(SSE_CHANNELS, { channels, options }),
    UseInterceptors(SseChannelsInterceptor),
  );
}
