import type { AbstractHttpAdapter } from '@nestjs/core';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { formatRetryFrame } from '../event/sse-frame.js';
import { repeatableId } from '../event/last-event-id.js';
import { getLastEventId, isEventSource } from '../http/request-headers.js';
import { closeSession } from '../response/end-connection.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * From now on answers clients of event streams in the place of a Fastify that is about to close.
 *
 * A Fastify that closes answers 503 to whoever still gets through to it (`return503OnClosing`, which cannot be asked for or
 * changed once it is made). Any status but 200 ends an `EventSource` for good (WHATWG HTML 9.2.3, "fail the connection"):
 * of a deploy's clients, those that happened to come back in that moment would never come back again. With a stream that
 * ends at once and says when to return they do, and find another process.
 *
 * To be called when the hub has handed all its clients over. Nothing is done where the adapter is not Fastify's.
 *
 * @param retry ms after which the client shall return
 */
export function answerForClosingFastify(
  adapter: Partial<AbstractHttpAdapter> | undefined,
  retry: () => number,
): void {
  if (adapter?.getType?.() === 'fastify') sendEventSourcesAway(adapter, retry);
}

/** The members of an adapter of Nest 12 that have to do with the option `return503OnClosing`. */
interface ClosingAdapter {
  /** Called as the application begins to close. */
  beforeClose?: () => unknown;
  /** Of Fastify's adapter: the option. */
  readonly return503OnClosing?: unknown;
}

interface ExpressInstance {
  readonly router?: { readonly stack?: readonly { readonly handle?: unknown }[] };
}

/**
 * Makes the server answer clients of event streams from the moment in which the application begins to close, where Nest would answer them
 * 503 from then on (`return503OnClosing` of Nest 12). Until a balancer leaves the process out, that would end each `EventSource` that comes.
 *
 * To be called before the application listens.
 *
 * @param retry ms after which the client shall return
 */
export function answerInPlaceOf503(
  adapter: Partial<AbstractHttpAdapter> | undefined,
  retry: () => number,
): void {
  const closing = adapter as ClosingAdapter | undefined;
  const { beforeClose } = closing ?? {};
  if (!closing || typeof beforeClose !== 'function' || !isSetTo503(adapter!)) return;
  closing.beforeClose = () => {
    sendEventSourcesAway(adapter!, retry);
    return beforeClose.call(closing);
  };
}

function isSetTo503(adapter: Partial<AbstractHttpAdapter>): boolean {
  if (adapter.getType?.() === 'fastify') return (adapter as ClosingAdapter).return503OnClosing === true;
  // Express' adapter does not keep the option: it puts a middleware before all others, which asks this field for each request.
  const instance: ExpressInstance | undefined = adapter.getInstance?.();
  return (
    instance?.router?.stack?.some(({ handle }) => String(handle).includes('this.isShuttingDown')) === true
  );
}

function sendEventSourcesAway(adapter: Partial<AbstractHttpAdapter>, retry: () => number): void {
  const server = adapter.getHttpServer?.() as Server | undefined;
  const handlers = server?.listeners('request') as Handler[] | undefined;
  if (!server || !handlers) return;
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (isEventSource(request)) sendAway(request, response, retry());
    else for (const handler of handlers) handler.call(server, request, response);
  });
}

/** How long a client over HTTP/2 has to take its answer. */
const HTTP2_ANSWER_MS = 200;

/** As Nest and the hub send it for every other stream. */
const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'private, no-cache, no-store, must-revalidate, max-age=0, no-transform',
  'x-accel-buffering': 'no',
  incremental: '?1',
};

function sendAway(request: IncomingMessage, response: ServerResponse, retry: number): void {
  const { origin } = request.headers;
  // Else a page of another origin would not see that it is an event stream. There is nothing in it to be kept from anybody.
  if (origin !== undefined) {
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-allow-credentials', 'true');
    response.setHeader('vary', 'Origin');
  }
  if (request.httpVersionMajor < 2) response.setHeader('connection', 'close');
  else {
    closeSession(request);
    // A client whose window has no room would keep its session, and so the server, for ever.
    setTimeout(() => response.destroy(), HTTP2_ANSWER_MS).unref();
  }
  response.writeHead(200, HEAD);
  response.end(formatRetryFrame(retry, repeatableId(getLastEventId(request))));
}
