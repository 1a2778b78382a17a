import { Inject, Injectable, Optional, type PipeTransform } from '@nestjs/common';
import { SseHub } from '../hub/sse-hub.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import type { RequestClient } from './request-client.js';
import { OfExchange, SseClientPipe, type HttpExchange } from './sse-client.pipe.js';

/** What the handler of a stream needs of its request. */
export interface StreamRequest {
  readonly hub: SseHub;
  readonly client: RequestClient;
}

/** Makes the client of a request, and gives it with the hub that serves it. */
@Injectable()
export class StreamRequestPipe implements PipeTransform<HttpExchange, Promise<StreamRequest>> {
  private readonly clients: SseClientPipe;

  constructor(
    @Inject(SseHub) readonly hub: SseHub,
    @Optional() @Inject(RESOLVED_OPTIONS) options?: ResolvedOptions,
  ) {
    this.clients = new SseClientPipe(hub, options);
  }

  async transform(exchange: HttpExchange): Promise<StreamRequest> {
    return { hub: this.hub, client: await this.clients.transform(exchange) };
  }
}

/** Gives a handler its `StreamRequest`. */
export const InjectStreamRequest = (): ParameterDecorator => OfExchange(StreamRequestPipe);
