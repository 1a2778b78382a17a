import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { SseClientPipe, getHttpExchange } from './sse-client.pipe.js';
import type { RequestClient } from './request-client.js';

/** Marks the methods that take `@SseClient()`. */
export const SSE_CLIENT = Symbol('SSE_CLIENT');

const markMethod: ParameterDecorator = (target, method, index) => {
  if (method === undefined) return;
  Reflect.defineMetadata(SSE_CLIENT, true, target, method);
  // SWC tells Nest the decorator as the type of the parameter, since the two share a name. A ValidationPipe that validates
  // custom decorators would make an instance of it, and fail. Types are defined before parameter decorators are called.
  const types = Reflect.getMetadata('design:paramtypes', target, method) as unknown[] | undefined;
  if (types) types[index] = Object;
};

const ofContext = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => getHttpExchange(context),
  [markMethod],
);

/**
 * Gives a handler the client that is connecting, for `hub.connect()`.
 *
 * @example
 * ```ts
 * @Sse('news')
 * news(@SseClient() client: SseClient) {
 *   return this.hub.connect(client, ['news', `user:${client.user}`]);
 * }
 * ```
 */
// oxlint-disable-next-line no-redeclare -- the decorator and what it gives share a name: `@SseClient() client: SseClient`
export const SseClient = (): ParameterDecorator => ofContext(SseClientPipe);

/** Who is connecting. */
export type SseClient = RequestClient;
