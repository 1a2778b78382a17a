import { ConflictException, Controller, Sse, SseSignal, UseFilters, UseInterceptors } from '@nestjs/common';
import type { INestApplication, MessageEvent } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SseClient, SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';
import {
  catchError,
  concat,
  endWith,
  fromEvent,
  map,
  merge,
  mergeWith,
  of,
  startWith,
  takeUntil,
  throwError,
  type Observable,
} from 'rxjs';
import { StreamFilter, ThrowingInterceptor } from './filters.js';
import { stageOf, type Stage } from './stage.js';
import { NoTimeout, TimeoutInterceptor } from './timeout.interceptor.js';

const fail = (): never => {
  throw new Error('thrown on purpose');
};

/** Streams into which somebody besides the hub writes, or which somebody else ends. */
@Controller()
export class ForeignWritersController {
  constructor(private readonly hub: SseHub) {}

  @NoTimeout()
  @Sse('plain')
  plain(@SseClient() client: SseClient) {
    return this.open('plain', client).stream;
  }

  @NoTimeout()
  @Sse('merge')
  merge(@SseClient() client: SseClient) {
    const { stage, stream } = this.open('merge', client);
    return merge(stream, stage.more);
  }

  @NoTimeout()
  @Sse('start-with')
  startWith(@SseClient() client: SseClient) {
    return this.open('start-with', client).stream.pipe(startWith({ type: 'foreign', data: '{}' }));
  }

  @NoTimeout()
  @Sse('concat')
  concat(@SseClient() client: SseClient) {
    return concat(of({ type: 'foreign', data: '{}' }), this.open('concat', client).stream);
  }

  @NoTimeout()
  @Sse('end-with')
  endWith(@SseClient() client: SseClient) {
    const { stage, stream } = this.open('end-with', client);
    return stream.pipe(takeUntil(stage.act), endWith({ type: 'foreign', data: 'bye' }));
  }

  @NoTimeout()
  @Sse('catch-error')
  catchError(@SseClient() client: SseClient) {
    const { stage, stream } = this.open('catch-error', client);
    const failing = stream.pipe(mergeWith(stage.act.pipe(map(fail))));
    return failing.pipe(catchError(() => of({ type: 'foreign', data: 'sorry' })));
  }

  @NoTimeout()
  @Sse('operator-throws')
  operatorThrows(@SseClient() client: SseClient) {
    const { stage, stream } = this.open('operator-throws', client);
    return merge(stream, stage.act.pipe(map(fail)));
  }

  @NoTimeout()
  @Sse('interceptor-throws')
  @UseInterceptors(ThrowingInterceptor)
  interceptorThrows(@SseClient() client: SseClient) {
    return this.open('interceptor-throws', client).stream;
  }

  /** The global interceptor ends it. */
  @Sse('timeout')
  timeout(@SseClient() client: SseClient) {
    return this.open('timeout', client).stream;
  }

  @NoTimeout()
  @Sse('take-until')
  takeUntil(@SseClient() client: SseClient) {
    const { stage, stream } = this.open('take-until', client);
    return stream.pipe(takeUntil(stage.act));
  }

  @NoTimeout()
  @Sse('filter')
  @UseFilters(StreamFilter)
  filter(@SseClient() client: SseClient) {
    const { stage, stream } = this.open('filter', client);
    if (!stage.isFailing) return stream;
    stage.isFailing = false;
    return merge(
      stream,
      throwError(() => new ConflictException()),
    );
  }

  @NoTimeout()
  @Sse('signal')
  signal(@SseClient() client: SseClient, @SseSignal() signal: AbortSignal) {
    const { stage, stream } = this.open('signal', client);
    return merge(stream, stage.more).pipe(takeUntil(fromEvent(signal, 'abort')));
  }

  private open(path: string, client: SseClient): { stage: Stage; stream: Observable<MessageEvent> } {
    const stage = stageOf(path);
    stage.claims.push(client.lastEventId);
    stage.response = client.response;
    return { stage, stream: this.hub.connect(client, path) };
  }
}

/** The response as a middleware has it. */
export const ofMiddleware: { response: ServerResponse | undefined } = { response: undefined };

export function foreignWritersModule(options: SseRedisOptions) {
  return {
    imports: [SseRedisModule.forRoot({ directWrites: process.env['DIRECT_WRITES'] !== 'false', ...options })],
    controllers: [ForeignWritersController],
    providers: [{ provide: APP_INTERCEPTOR, useClass: TimeoutInterceptor }],
  };
}

export function addMiddleware(app: INestApplication): void {
  app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    if (request.headers['x-middleware']) ofMiddleware.response = response;
    next();
  });
}
