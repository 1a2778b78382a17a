import { Catch, HttpException, Inject, Logger, Optional, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost, type AbstractHttpAdapter } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import type { Observable } from 'rxjs';
import { jitter } from '../clients/retry-time.js';
import { SseRedisError } from '../errors/sse-redis.error.js';
import { repeatableId } from '../event/last-event-id.js';
import { DISMISSED_ID } from '../event/position.js';
import { formatDismissalFrame, formatRefusalFrame } from '../event/sse-frame.js';
import { SseHub } from '../hub/sse-hub.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { answerCaller } from './caller-error.js';
import { holdOpen } from './held-answer.js';
import { optionsOfHub } from './options-of-hub.js';
import { getLastEventId, isEventSource } from './request-headers.js';
import { RESPONSE_ADAPTER } from './response-adapter.js';
import { readRetryAfter } from './retry-after.js';

/** The codes of refusals by guards, interceptors and handlers. Any other status from 500 on is `UNAVAILABLE`. */
const CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  408: 'UNAVAILABLE',
  425: 'UNAVAILABLE',
  429: 'TOO_MANY_REQUESTS',
};

/** A response of either adapter. */
interface AdapterResponse {
  getHeaders?(): object;
}

/** What goes out in the place of a status. */
interface StreamAnswer {
  readonly status: 200 | 204;
  readonly body: string;
}

/**
 * Answers an `EventSource` in events where a guard, a pipe or a handler of a stream route refuses it. Any status but 200
 * closes an `EventSource` for good (WHATWG HTML 9.2.3): a rate limit or a database that is away would shut out whoever
 * happened to reconnect in that moment.
 *
 * - 401 and 403: an `error` event with the code `UNAUTHORIZED` or `FORBIDDEN`, then `end`; who returns all the same gets 204.
 * - 408, 425, 429 and 5xx: an `error` event, and a `retry:` time; `Retry-After` counts where it is longer.
 *
 * Each of these answers is held open for a second, so that a client that ignores `retry:` makes one request a second.
 *
 * Other statuses, other requests, and those with `Prefer: status`, are answered as ever. So are callers of microservices and
 * gateways, where it is bound to their handlers too.
 *
 * @example
 * ```ts
 * @Sse('news')
 * @UseFilters(SseStreamFilter)
 * @UseGuards(JwtGuard, ThrottlerGuard)
 * news(@SseClient() client: SseClient) {
 *   return this.hub.connect(client, 'news');
 * }
 * ```
 */
@Catch()
export class SseStreamFilter extends BaseExceptionFilter {
  private readonly logger = new Logger('SseStreamFilter');
  private readonly options: ResolvedOptions;

  /** @hidden Nest makes the filter, of the class. */
  constructor(
    @Inject(SseHub) hub: SseHub,
    @Optional() @Inject(RESOLVED_OPTIONS) options?: ResolvedOptions,
    @Optional() @Inject(HttpAdapterHost) private readonly host?: HttpAdapterHost,
  ) {
    super(host ? host.httpAdapter : (RESPONSE_ADAPTER as AbstractHttpAdapter));
    this.options = optionsOfHub(options, hub);
  }

  /** Nest calls it with what a route threw. @returns the answer of a microservice, or nothing */
  override catch(exception: unknown, context: ArgumentsHost): void | Observable<never> {
    // A controller may have handlers of messages beside its streams, and its filters count for all of them.
    if (context.getType() !== 'http') return answerCaller(exception, context);
    const adapter = this.host ? this.host.httpAdapter : RESPONSE_ADAPTER;
    const http = context.switchToHttp();
    const response = http.getResponse<AdapterResponse>();
    if (!adapter || adapter.isHeadersSent(response)) return this.answerByStatus(exception, context);
    const given = http.getRequest<IncomingMessage & { raw?: IncomingMessage }>();
    const retryAfter = findRetryAfter(response);
    const answer = this.toAnswer(exception, given.raw ?? given, retryAfter);
    if (!answer) return this.answerByStatus(exception, context);
    // A fault of the server's, which Nest would have logged.
    if (!(exception instanceof HttpException) && this.getStatus(exception) >= 500)
      this.logger.error(exception);
    adapter.setHeader(response, 'Cache-Control', 'no-store, no-transform');
    adapter.setHeader(response, 'X-Accel-Buffering', 'no');
    if (answer.status === 200) adapter.setHeader(response, 'Content-Type', 'text/event-stream');
    adapter.reply(response, answer.status === 200 ? holdOpen(answer.body) : '', answer.status);
  }

  private answerByStatus(exception: unknown, context: ArgumentsHost): void {
    // oxlint-disable-next-line promise/valid-params -- Nest's `catch`, no Promise's
    super.catch(exception, context);
  }

  /** Also that of a middleware's error (`http-errors`, Fastify), which Nest answers with its own status. */
  private getStatus(exception: unknown): number {
    if (exception instanceof HttpException) return exception.getStatus();
    if (this.isHttpError(exception)) return exception.statusCode;
    return isRateLimit(exception) ? 429 : 500;
  }

  /** @param retryAfter ms. Returns undefined where the status is the answer */
  private toAnswer(
    exception: unknown,
    request: IncomingMessage,
    retryAfter: number,
  ): StreamAnswer | undefined {
    const status = this.getStatus(exception);
    const known = CODES[status] ?? (status >= 500 ? 'UNAVAILABLE' : undefined);
    if (known === undefined || !isEventSource(request)) return undefined;
    const code = exception instanceof SseRedisError ? exception.code : known;
    const lastEventId = getLastEventId(request);
    if (status === 401 || status === 403) {
      if (lastEventId === DISMISSED_ID) return { status: 204, body: '' };
      const id = repeatableId(lastEventId);
      const body = String(formatRefusalFrame(code, {}, undefined, id)) + String(formatDismissalFrame(code));
      return { status: 200, body };
    }
    const retry = Math.max(jitter(this.options.retry), retryAfter);
    return { status: 200, body: String(formatRefusalFrame(code, {}, retry, repeatableId(lastEventId))) };
  }
}

/**
 * `@fastify/rate-limit` throws a plain Error with a status, which Nest 12 does not take for one of HTTP. Other statuses of such an Error
 * may be those of a service that a handler has asked.
 */
function isRateLimit(exception: unknown): boolean {
  return exception instanceof Error && (exception as { statusCode?: unknown }).statusCode === 429;
}

/** @returns the longest `Retry-After`, in ms. A throttler of `@nestjs/throttler` that has a name puts it behind: `Retry-After-short` */
function findRetryAfter(response: AdapterResponse): number {
  const headers = Object.entries(response.getHeaders?.() ?? {});
  const times = headers.filter(([name]) => /^retry-after(-|$)/i.test(name));
  return Math.max(0, ...times.map(([, value]) => readRetryAfter(value)));
}
