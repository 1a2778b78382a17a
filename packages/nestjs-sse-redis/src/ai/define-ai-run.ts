import { StreamableFile } from '@nestjs/common';
import { DrainingError } from '../errors/draining.error.js';
import { defineRunRoutes, toRunSource } from '../http/run-decorator.js';
import type { RunChannelOfRequest } from '../http/run-route.js';
import type { RunRequest } from '../http/sse-run.guard.js';
import { splitAiOptions, type AiRunOptions } from './ai-run-options.js';
import type { ChunkProtocol } from './chunk-protocol.interface.js';
import { RunStream } from './run-stream.js';
import { toEventSource, type AiSource } from './chunk-source.js';

/** The routes of a run that speaks a protocol of chunks. */
interface AiRoutes {
  readonly path: string;
  readonly resumePath?: string;
  readonly channel: RunChannelOfRequest;
  readonly protocol: ChunkProtocol;
  readonly options: AiRunOptions;
}

const TYPE = 'text/event-stream';
/** `no-transform` keeps middleware and proxies from compressing, which holds chunks back. */
const HEADERS = {
  'Cache-Control': 'private, no-cache, no-store, no-transform',
  'X-Accel-Buffering': 'no',
  Incremental: '?1',
};

export function defineAiRun({ path, resumePath, channel, protocol, options }: AiRoutes): MethodDecorator {
  const { run, texts } = splitAiOptions(options);
  return defineRunRoutes({
    path,
    ...(resumePath !== undefined && { resumePath }),
    channel,
    run,
    isSse: false,
    isResumedAfterEnd: false,
    toSource: (returned, { hub }) =>
      toEventSource(toRunSource(returned) as AiSource, hub.internals.options.payloadBytes),
    answer: (request, id) => {
      checkDrain(request);
      const { response } = request.client;
      for (const [name, value] of Object.entries({ ...HEADERS, ...protocol.headers }))
        response.setHeader(name, value);
      const { hub, channel: name } = request;
      const stream = new RunStream({ hub, channel: name, id, response, protocol, texts });
      return new StreamableFile(stream, { type: TYPE });
    },
  });
}

/** @throws DrainingError */
function checkDrain({ hub }: RunRequest): void {
  if (hub.internals.state.isHandingOver)
    throw new DrainingError('This process is being shut down. Ask again, and another one answers.');
}
