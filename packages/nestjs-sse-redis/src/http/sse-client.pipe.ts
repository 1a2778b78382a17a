import { Inject, Injectable, Optional, type ExecutionContext, type PipeTransform } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DrainingError } from '../errors/draining.error.js';
import { SseHub } from '../hub/sse-hub.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { endConnection } from '../response/end-connection.js';
import { keepTimedReply } from '../response/handler-timeout.js';
import { notHttp } from '../response/misuse.js';
import { ResponseGuard } from '../response/response-guard.js';
import { forbidStoring } from '../util/forbid-storing.js';
import { createOwnParameter } from './own-parameter.js';
import { optionsOfHub } from './options-of-hub.js';
import { RequestClient, type AdapterRequest } from './request-client.js';
import { getLastEventId } from './request-headers.js';

/** A request and its response, as the adapter gives them. */
export interface HttpExchange {
  readonly request: AdapterRequest;
  readonly response: ServerResponse;
}

/** @throws NotSseRouteError outside of HTTP */
export function getHttpExchange(context: ExecutionContext): HttpExchange {
  if (context.getType() !== 'http') throw notHttp(context);
  const http = context.switchToHttp();
  const given = http.getResponse<ServerResponse & { raw?: ServerResponse }>();
  // Never Fastify's reply itself: it is thenable, and Nest, which awaits parameters, would wait for its end.
  const response = given.raw ?? given;
  if (given.raw) keepTimedReply(response, given as object);
  return { request: http.getRequest<AdapterRequest>(), response };
}

/** Gives a pipe the request and the response of a handler: `OfExchange(SomePipe)`. */
export const OfExchange = createOwnParameter((_data, context) => getHttpExchange(context));

/** Makes the client of a request. A pipe, so that a parameter decorator can use it and it can still be injected into. */
@Injectable()
export class SseClientPipe implements PipeTransform<HttpExchange, Promise<RequestClient>> {
  private readonly options: ResolvedOptions;

  constructor(
    @Inject(SseHub) readonly hub: SseHub,
    @Optional() @Inject(RESOLVED_OPTIONS) options?: ResolvedOptions,
  ) {
    this.options = optionsOfHub(options, hub);
  }

  async transform({ request, response }: HttpExchange): Promise<RequestClient> {
    // Now: what follows may fail when Nest has sent the headers of a stream.
    ResponseGuard.prepare(response, {
      lastEventId: getLastEventId(request.raw ?? (request as IncomingMessage)),
    });
    const user = await this.options.identify(request);
    const client = new RequestClient(
      request,
      response,
      user === undefined || user === null ? undefined : String(user),
    );
    // Now, since once the stream has begun its status is 200.
    if (client.prefersStatus) await this.checkCapacity(client);
    return client;
  }

  private async checkCapacity({ user, address, response, rawRequest }: RequestClient): Promise<void> {
    try {
      await this.hub.internals.clients.checkCapacity(user, address);
    } catch (error) {
      if (error instanceof DrainingError) endConnection(rawRequest, response);
      forbidStoring(response);
      if (!response.headersSent) response.setHeader('Retry-After', Math.ceil(this.options.retry / 1_000));
      throw error;
    }
  }
}
