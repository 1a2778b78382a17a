import * as nest from '@nestjs/common';
import type { MessageEvent } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { alreadyConnected, notSseRoute } from './misuse.js';
import { Observable, type Observer, type OperatorFunction, type Subscriber, type Subscription } from 'rxjs';

/** Of Nest, under which a request carries what `@SseSignal()` gives. */
const { SSE_ABORT_CONTROLLER } = nest as { readonly SSE_ABORT_CONTROLLER?: symbol };

/**
 * What an `@Sse()` handler returns for a stream that is written past it: it stands for the life of the stream.
 *
 * As long as it goes on, Nest keeps a Transform, a timer, a chain of operators and the promise of the route for it:
 * 8 KB for each client (docs/performance.md), to no use, once it has sent the headers. So they are let go of then: this
 * completes, and the response goes on without. What anybody else would take for the end of the stream must not come
 * before it:
 *
 * - interceptors and operators may look out for the completion. So it is done only where Nest itself has subscribed to
 *   this very Observable;
 * - with the completion Nest ends the response, from which it is therefore cut off, and aborts the signal of
 *   `@SseSignal()`, which `left()` does instead.
 */
export class NestObservable extends Observable<MessageEvent> {
  /** Nest's Transform, from when it is piped to the response. */
  private transform: Readable | undefined;
  private isPiping = false;
  private isDirect = false;
  private subscriber: Subscriber<MessageEvent> | undefined;
  private isOver = false;

  /** @param serve called when Nest subscribes; returns what is to be called when it unsubscribes */
  constructor(
    private readonly response: ServerResponse,
    serve: (stream: NestObservable) => () => void,
  ) {
    super((subscriber) => {
      if (this.subscriber) return subscriber.error(alreadyConnected());
      // Whoever else subscribes (Nest to what an @Get() returns) would wait for ever, and the client with it.
      if (!isPipedTo(response)) return subscriber.error(notSseRoute(response));
      this.subscriber = subscriber;
      const left = serve(this);
      return () => {
        if (!this.isOver) left();
      };
    });
    response.once('pipe', (transform: Readable) => {
      this.transform = transform;
      this.isPiping = true;
      queueMicrotask(() => (this.isPiping = false));
    });
  }

  /** Nest pipes its Transform to the response, and in the same breath its operators to the Observable that it was given. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the types of all overloads of what it overrides
  override pipe(...operators: any[]): any {
    if (this.isPiping) this.isDirect = true;
    return (super.pipe as (...operators: OperatorFunction<unknown, unknown>[]) => unknown)(...operators);
  }

  /**
   * An application that subscribes by itself is refused, in the log too. Without a handler RxJS would throw the error, which ends the
   * process and all its streams. (Nest subscribes behind its operators, which have one.)
   */
  override subscribe(
    observer?: Partial<Observer<MessageEvent>> | ((event: MessageEvent) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    const given: Partial<Observer<MessageEvent>> =
      typeof observer === 'object' && observer !== null
        ? observer
        : { ...(observer && { next: observer }), ...(error && { error }), ...(complete && { complete }) };
    if (given.error) return super.subscribe(given);
    return super.subscribe({
      next: (event) => given.next?.(event),
      error: () => undefined,
      complete: () => given.complete?.(),
    });
  }

  /** Makes Nest let go of the response, whose headers it has sent. Returns whether it did: then the response is to be ended. */
  letGo(): boolean {
    const { transform, subscriber, response } = this;
    if (!this.isDirect || !transform || !subscriber || subscriber.closed) return false;
    this.isOver = true;
    transform.unpipe(response);
    const controller = getController(response);
    if (controller) controller.abort = () => undefined;
    subscriber.complete();
    if (controller) Reflect.deleteProperty(controller, 'abort');
    forgetRoute(response);
    return true;
  }

  /** Nest ends the response. */
  end(): void {
    this.subscriber?.complete();
  }
}

/**
 * Whether a stream is piped to the response. Nest pipes its Transform before it subscribes, and under an interceptor before
 * the handler runs. `pipe()` listens to `unpipe` of its destination (Node's lib/internal/streams/readable.js).
 */
function isPipedTo(response: ServerResponse): boolean {
  return response.listenerCount('unpipe') > 0;
}

/** Tells who asked for `@SseSignal()` that the stream is over, of which Nest has let go. */
export function abortSignal(response: ServerResponse): void {
  getController(response)?.abort();
}

/** Express keeps with a request how to hand it on, and with that its whole way here: another KB. It is not handed on any more. */
function forgetRoute({ req }: ServerResponse): void {
  const request = req as { next?: unknown };
  if (typeof request.next === 'function') request.next = undefined;
}

function getController({ req }: ServerResponse): AbortController | undefined {
  if (SSE_ABORT_CONTROLLER === undefined) return undefined;
  return (req as unknown as Record<symbol, AbortController | undefined>)[SSE_ABORT_CONTROLLER];
}
