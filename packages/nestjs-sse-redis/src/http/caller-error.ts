import { Logger, type ArgumentsHost } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';
import { SseRedisError } from '../errors/sse-redis.error.js';

const logger = new Logger('SseHub');

/** A client of a gateway: of Socket.IO, which emits to the other side, or a WebSocket. */
interface SocketClient {
  readonly readyState?: unknown;
  send?(text: string): void;
  emit?(event: string, payload: object): void;
}

/** An exception of a microservice or a gateway (`RpcException`, `WsException`), of packages that need not be there. */
interface CallerException {
  getError(): unknown;
}

/**
 * Answers a caller that did not come over HTTP in the form of Nest's own filters: `{ status: 'error', message }`, and of an error of
 * the hub its code. In any other context nothing is done, and Nest throws what a filter leaves.
 */
export function answerCaller(exception: unknown, context: ArgumentsHost): void | Observable<never> {
  const type = context.getType<'http' | 'rpc' | 'ws'>();
  if (type !== 'rpc' && type !== 'ws') return;
  if (exception instanceof SseRedisError) logUnseen(exception, type);
  const payload = toPayload(exception);
  if (type === 'rpc') return throwError(() => payload);
  sendException(context.switchToWs().getClient<SocketClient>(), payload);
}

/**
 * Nest logs no `HttpException`. The caller is not shown the message of an error of the server, and nobody gets the answer of an
 * `@EventPattern()`, which a filter cannot tell from a `@MessagePattern()`.
 */
function logUnseen(error: SseRedisError, type: 'rpc' | 'ws'): void {
  if (error.statusCode >= 500) logger.error(error);
  else if (type === 'rpc') logger.warn(error);
}

function toPayload(exception: unknown): object {
  if (exception instanceof SseRedisError) return { status: 'error', ...exception.getResponse() };
  if (!isCallerException(exception)) {
    logger.error(exception);
    return { status: 'error', message: 'Internal server error' };
  }
  const error = exception.getError();
  return typeof error === 'object' && error !== null ? error : { status: 'error', message: error };
}

function isCallerException(exception: unknown): exception is CallerException {
  return exception instanceof Error && 'getError' in exception && typeof exception.getError === 'function';
}

/** A WebSocket of `ws` is an EventEmitter too, whose `emit` reaches nobody: it has a `readyState` with a number. */
function sendException(client: SocketClient, payload: object): void {
  if (typeof client.readyState === 'number')
    client.send?.(JSON.stringify({ event: 'exception', data: payload }));
  else client.emit?.('exception', payload);
}
