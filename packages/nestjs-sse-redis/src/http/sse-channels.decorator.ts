import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import type { ConnectOptions } from '../hub/hub-options.js';
import type { SseClient } from './sse-client.decorator.js';
import { SSE_CHANNELS, SseChannelsInterceptor } from './sse-channels.interceptor.js';

/** The channels of a request: named, or computed from the adapter's request and the client. */
export type ChannelsOfRequest =
  | string
  | readonly string[]
  // oxlint-disable-next-line typescript/no-explicit-any -- Express' and Fastify's requests have no common type
  | ((request: any, client: SseClient) => string | readonly string[] | Promise<string | readonly string[]>);

/**
 * Makes an `@Sse()` handler stream these channels. The handler still runs, after guards and pipes, and may refuse by
 * throwing; what it returns is ignored.
 *
 * @example
 * ```ts
 * @Sse(':id/progress')
 * @SseChannels((request) => `order:${request.params.id}`)
 * progress() {}
 * ```
 */
export function SseChannels(channels: ChannelsOfRequest, options: ConnectOptions = {}): MethodDecorator {
  return applyDecorators(
    SetMetadata(SSE_CHANNELS, { channels, options }),
    UseInterceptors(SseChannelsInterceptor),
  );
}
