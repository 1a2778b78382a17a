import type { ConnectOptions } from '../hub/hub.types.js';
import type { RunOptions } from '../runs/run.types.js';
import { defineRunRoutes, toRunSource } from './run-decorator.js';
import type { RunChannelOfRequest, SseRunOptions } from './run-route.js';

/**
 * Makes three routes of a method that makes the source of a run: `POST` starts the run and streams it, `GET` resumes it after the
 * client's last event id or from the beginning, and answers 204 when nothing runs, and `DELETE` stops it, in whatever process it is. The
 * guards, filters and interceptors of the method hold for all three, and `authorize` is asked before anything is started or stopped.
 *
 * The method returns a source or, better, a function `(signal) => source`: that is called only where no run is going on already.
 *
 * @param path as that of `@Sse()`
 * @param channel the channel of a request
 * @example
 * ```ts
 * @SseRun(':id', (request) => `chat:${request.params.id}`, { batch: 50 })
 * answer(@Body() { prompt }: Question): RunSource {
 *   return (signal) => this.model.stream(prompt, { signal });
 * }
 * ```
 */
export function SseRun(
  path: string,
  channel: RunChannelOfRequest,
  options: SseRunOptions = {},
): MethodDecorator {
  const { run, connect } = splitOptions(options);
  return defineRunRoutes({
    path,
    channel,
    run,
    isSse: true,
    isResumedAfterEnd: true,
    toSource: toRunSource,
    answer: ({ hub, client, channel: name }, id) => hub.connect(client, name, { ...connect, from: id }),
  });
}

function splitOptions(options: SseRunOptions): {
  readonly run: RunOptions;
  readonly connect: ConnectOptions;
} {
  const { onExisting, batch, retainAfterEnd, ...connect } = options;
  const run: RunOptions = {
    ...(onExisting !== undefined && { onExisting }),
    ...(batch !== undefined && { batch }),
    ...(retainAfterEnd !== undefined && { retainAfterEnd }),
  };
  return { run, connect };
}
