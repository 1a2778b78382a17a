import type { ServerResponse } from 'node:http';

/** Of Fastify. */
interface AdapterReply {
  readonly request?: { readonly routeOptions?: { readonly handlerTimeout?: number } };
  /** Says that somebody else answers: Fastify then clears the timer of `handlerTimeout`. */
  hijack?(): unknown;
}

const timed = new WeakMap<ServerResponse, AdapterReply>();

/**
 * Remembers the reply of a response whose handler has to be done within a time (`handlerTimeout`, Fastify 5.8). A stream is answered when
 * it ends, so that Fastify would cut it; one that is older than 5.12 ends the process (ERR_HTTP_HEADERS_SENT).
 */
export function keepTimedReply(response: ServerResponse, reply: AdapterReply): void {
  if (reply.request?.routeOptions?.handlerTimeout) timed.set(response, reply);
}

/**
 * The time of the handler counts no more: the headers of its stream are out. Not before, since a filter could not answer by the reply then.
 */
export function endHandlerTime(response: ServerResponse): void {
  timed.get(response)?.hijack?.();
  timed.delete(response);
}
