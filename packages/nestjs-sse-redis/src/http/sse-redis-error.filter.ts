import { Catch, Inject, Optional, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { throwError, type Observable } from 'rxjs';
import { SseRedisError, type SseRedisErrorResponse } from '../errors/sse-redis.error.js';

/** What callers of microservices and gateways get, in the form of Nest's own filters. */
interface ErrorPayload extends SseRedisErrorResponse {
  readonly status: 'error';
}

/** A client of a gateway: of Socket.IO, which emits to the other side, or a WebSocket. */
interface SocketClient {
  readonly readyState?: unknown;
  send?(text: string): void;
  emit?(event: string, payload: ErrorPayload): void;
}

/**
 * Tells callers of microservices and gateways what the hub's errors say: Nest answers an `HttpException` there with
 * "Internal server error". Under HTTP it does what Nest does.
 *
 * A caller gets `{ status: 'error', message, code, statusCode }`; a WebSocket as the event `exception`.
 *
 * @example
 * ```ts
 * @MessagePattern('announce')
 * @UseFilters(SseRedisErrorFilter)
 * announce(@Payload() text: string) {
 *   return this.hub.publish('news', { data: text });
 * }
 * ```
 */
@Catch(SseRedisError)
export class SseRedisErrorFilter extends BaseExceptionFilter {
  constructor(@Optional() @Inject(HttpAdapterHost) host?: HttpAdapterHost) {
    super(host?.httpAdapter);
  }

  override catch(error: SseRedisError, context: ArgumentsHost): void | Observable<never> {
    const payload: ErrorPayload = { status: 'error', ...error.getResponse() };
    const type = context.getType<'http' | 'rpc' | 'ws'>();
    if (type === 'rpc') return throwError(() => payload);
    if (type === 'ws') return sendException(context.switchToWs().getClient<SocketClient>(), payload);
    // oxlint-disable-next-line promise/valid-params -- Nest's `catch`, no Promise's
    return super.catch(error, context);
  }
}

/** A WebSocket of `ws` is an EventEmitter too, whose `emit` reaches nobody: it has a `readyState` with a number. */
function sendException(client: SocketClient, payload: ErrorPayload): void {
  if (typeof client.readyState === 'number')
    client.send?.(JSON.stringify({ event: 'exception', data: payload }));
  else client.emit?.('exception', payload);
}
