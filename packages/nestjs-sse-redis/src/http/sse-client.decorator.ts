import { createOwnParameter } from './own-parameter.js';
import { SseClientPipe, getHttpExchange } from './sse-client.pipe.js';
import type { RequestClient } from './request-client.js';

/** The positions of a method's `@SseClient()` parameters. */
export const SSE_CLIENT = Symbol('SSE_CLIENT');

const markMethod: ParameterDecorator = (target, method, index) => {
  if (method === undefined) return;
  const indexes = (Reflect.getOwnMetadata(SSE_CLIENT, target, method) ?? []) as number[];
  indexes.push(index);
  Reflect.defineMetadata(SSE_CLIENT, indexes, target, method);
};

const ofContext = createOwnParameter((_data, context) => getHttpExchange(context), [markMethod]);

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
