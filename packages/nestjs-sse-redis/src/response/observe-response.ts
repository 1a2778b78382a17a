import type { MessageEvent } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { Observable } from 'rxjs';
import { NestObservable } from './nest-observable.js';
import { ResponseGuard, type Claim } from './response-guard.js';
import type { FrameWriterOptions } from './frame-writer.js';
import { ResponseSink } from './response-sink.js';

/**
 * The Observable that an `@Sse()` handler returns for a response that the hub writes itself.
 *
 * @param claim the position of the client, from its request
 * @param namesChannels whether a comment names the channel of each event
 * @param serve called with the sink when Nest subscribes, once
 * @throws AlreadyConnectedError if the response has a stream already
 */
export function observeResponse(
  response: ServerResponse,
  claim: Claim,
  options: FrameWriterOptions,
  namesChannels: boolean,
  serve: (sink: ResponseSink) => void,
): Observable<MessageEvent> {
  const guard = ResponseGuard.install(response, claim);
  return new NestObservable(response, (nest) => {
    const sink = new ResponseSink(response, nest, guard, options, namesChannels);
    serve(sink);
    return () => sink.interrupt();
  });
}
