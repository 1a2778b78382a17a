import { Logger, type ExecutionContext } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { AlreadyConnectedError } from '../errors/already-connected.error.js';
import { NotSseRouteError } from '../errors/not-sse-route.error.js';

// Nest answers such an error with 500 and does not log it, since it is an HttpException; the developer must see it.
const logger = new Logger('SseHub');

/** The error for a response that has a stream already. */
export function alreadyConnected(): AlreadyConnectedError {
  const error = new AlreadyConnectedError();
  logger.error(error.message, error.stack);
  return error;
}

/** The error for a stream that Nest does not serve as one. */
export function notSseRoute({ req }: ServerResponse): NotSseRouteError {
  const route = `${req?.method} ${req?.url?.split('?')[0]}`;
  const error = new NotSseRouteError(
    `${route} returned a stream of the hub and is not @Sse(): mark its handler @Sse('path') in the place of @Get('path'), and subscribe to nothing yourself. For events in code of the server there is hub.events().`,
  );
  logger.error(error.message);
  return error;
}

/** The error for a handler that no HTTP request calls, such as a GraphQL resolver. */
export function notHttp(context: ExecutionContext): NotSseRouteError {
  const handler = `${context.getClass()?.name}.${context.getHandler()?.name}`;
  const error = new NotSseRouteError(
    `${handler}() is called by ${context.getType()}, and its decorators of nestjs-sse-redis take an HTTP request. Stream from an @Sse() route. A state gets its position by hub.cursor(), which is read before the state and returned beside it.`,
  );
  logger.error(error.message);
  return error;
}

/** Logs that a status keeps all bytes of a stream from its client. */
export function reportNoBody({ req, statusCode }: ServerResponse): void {
  logger.error(
    `${req.method} ${req.url?.split('?')[0]} returned a stream of the hub with the status ${statusCode}, which has no body: set no status, neither by @HttpCode() nor by the response.`,
  );
}
