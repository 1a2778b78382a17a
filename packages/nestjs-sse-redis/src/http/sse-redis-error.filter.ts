import { Catch, Inject, Optional, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost, type AbstractHttpAdapter } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { SseRedisError } from '../errors/sse-redis.error.js';
import { answerCaller } from './caller-error.js';
import { RESPONSE_ADAPTER } from './response-adapter.js';

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
    super(host ? host.httpAdapter : (RESPONSE_ADAPTER as AbstractHttpAdapter));
  }

  /** Nest calls it with an error of the hub. @returns the answer of a microservice, or nothing */
  override catch(error: SseRedisError, context: ArgumentsHost): void | Observable<never> {
    if (context.getType() !== 'http') return answerCaller(error, context);
    // oxlint-disable-next-line promise/valid-params -- Nest's `catch`, no Promise's
    return super.catch(error, context);
  }
}
