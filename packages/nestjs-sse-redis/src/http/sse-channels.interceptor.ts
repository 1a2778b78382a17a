import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type MessageEvent,
  type NestInterceptor,
} from '@nestjs/common';
import { firstValueFrom, type Observable } from 'rxjs';
import type { ConnectOptions } from '../hub/hub.types.js';
import { SseHub } from '../hub/sse-hub.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { SseClientPipe, getHttpExchange } from './sse-client.pipe.js';
import { resolveChannels, type ChannelsOfRequest } from './channels-of-request.js';

export const SSE_CHANNELS = Symbol('SSE_CHANNELS');

/** What `@SseChannels()` keeps with a handler. */
export interface SseChannelsMetadata {
  readonly channels: ChannelsOfRequest;
  readonly options: ConnectOptions;
}

/** Puts a stream of channels in the place of what the handler returned. */
@Injectable()
export class SseChannelsInterceptor implements NestInterceptor<unknown, MessageEvent> {
  private readonly clients: SseClientPipe;

  constructor(
    @Inject(SseHub) readonly hub: SseHub,
    @Inject(RESOLVED_OPTIONS) options: ResolvedOptions,
  ) {
    this.clients = new SseClientPipe(options, hub);
  }

  /** All of it before the stream begins, so that what is thrown is answered with its status. */
  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<MessageEvent>> {
    // Not the last value: what a method returns may never end, and is not looked at.
    await firstValueFrom(next.handle(), { defaultValue: undefined });
    return this.connect(context);
  }

  private async connect(context: ExecutionContext): Promise<Observable<MessageEvent>> {
    const { channels, options } = Reflect.getMetadata(
      SSE_CHANNELS,
      context.getHandler(),
    ) as SseChannelsMetadata;
    const exchange = getHttpExchange(context);
    const client = await this.clients.transform(exchange);
    return this.hub.connect(client, await resolveChannels(channels, exchange.request, client), options);
  }
}
