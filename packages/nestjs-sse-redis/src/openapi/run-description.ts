import type { Type } from '@nestjs/common';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner } from '@nestjs/core';
import { dependOnRequest } from '../http/channels-of-request.js';
import { SSE_RUN, type RunRoute } from '../http/run-route.js';
import { completeRunRoutes } from '../http/run-routes.js';
import type { StreamRoute } from '../http/stream-routes.js';
import { omitDocumented } from './documented-parameters.js';
import { describeError, describePathParameter, STREAM_PARAMETERS } from './stream-description.js';
import { documentResponses } from './stream-responses.js';
import { addParameters, getResponses, SWAGGER, type Responses } from './swagger-metadata.js';

const FORBIDDEN: Responses = {
  403: describeError(403, 'The `authorize` option refused the channel.', undefined, 'FORBIDDEN_CHANNEL'),
};

const SUMMARIES = {
  start: 'Starts a run, or joins the one that is going on, and streams it',
  resume: 'Resumes a run after the last event of the client, or streams it from its beginning',
  stop: 'Stops a run, in whatever process it is',
};

const ANSWERS: Record<RunRoute['role'], Responses> = {
  start: FORBIDDEN,
  resume: {
    ...FORBIDDEN,
    204: { description: 'Nothing runs, and the client has all of the last run. An `EventSource` closes.' },
  },
  stop: {
    ...FORBIDDEN,
    204: { description: 'The run is stopped. It is the same answer where nothing runs.' },
    503: describeError(503, 'Redis is away.'),
  },
};

/** What a client may say of where it is: one that starts a run has nothing of it yet. */
const PARAMETERS = {
  start: STREAM_PARAMETERS.filter(({ name }) => name === 'Prefer'),
  resume: STREAM_PARAMETERS,
  stop: [],
};

/** Documents the three routes of each `@SseRun()` of a controller. @param pathOf the parameters in the path of a handler */
export function documentRuns(
  controller: Type<unknown>,
  pathOf: (handler: StreamRoute['handler']) => readonly string[],
): void {
  // What decorators say of the method holds for all three. Nest's own call comes with the routes, and documents may be made before.
  completeRunRoutes(controller);
  const prototype = controller.prototype as Record<string, StreamRoute['handler']>;
  for (const method of new MetadataScanner().getAllMethodNames(prototype)) {
    const handler = prototype[method]!;
    const run = Reflect.getMetadata(SSE_RUN, handler) as RunRoute | undefined;
    // Those of nestjs-sse-redis/ai stream chunks of others' formats.
    const isDocumented = run?.role === 'stop' || Reflect.getMetadata(SSE_METADATA, handler) === true;
    if (!run || !isDocumented) continue;
    const route = { name: `${controller.name}.${method}`, method, controller, handler };
    const parameters = [...pathOf(handler).map(describePathParameter), ...PARAMETERS[run.role]];
    addParameters(handler, omitDocumented(route, parameters));
    document(route, run);
  }
}

function document(route: StreamRoute, { role, channel }: RunRoute): void {
  const { handler } = route;
  const operation = (Reflect.getMetadata(SWAGGER.operation, handler) ?? {}) as { readonly summary?: string };
  if (!operation.summary)
    Reflect.defineMetadata(SWAGGER.operation, { ...operation, summary: SUMMARIES[role] }, handler);
  if (role === 'stop')
    Reflect.defineMetadata(
      SWAGGER.responses,
      { ...ANSWERS.stop, ...withoutStream(getResponses(handler)) },
      handler,
    );
  else documentResponses(route, 200, dependOnRequest(channel), ANSWERS[role]);
}

/** The application's answer of the method is a stream. */
function withoutStream(responses: Responses): Responses {
  return Object.fromEntries(Object.entries(responses).filter(([status]) => status !== '200'));
}
