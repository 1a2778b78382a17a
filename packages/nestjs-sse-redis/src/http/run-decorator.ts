import { RequestMethod, UseGuards } from '@nestjs/common';
// Nest keeps what its decorators say under these keys.
import {
  HTTP_CODE_METADATA,
  METHOD_METADATA,
  PATH_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import type { RunOptions, RunSource } from '../runs/run.types.js';
import { createOwnParameter } from './own-parameter.js';
import { SSE_RUN, type RunRoute } from './run-route.js';
import { getRunRequest, SseRunGuard, type RunRequest } from './sse-run.guard.js';
import { wrapHandler, type Handler } from './wrap-handler.js';

/** The key of the names of the two handlers beside a method. */
export const RUN_SIBLINGS = Symbol('RUN_SIBLINGS');

const OK = 200;
const NO_CONTENT = 204;

/** The three routes of a run. */
export interface RunRoutes extends Pick<RunRoute, 'channel' | 'isResumedAfterEnd'> {
  readonly path: string;
  /** Of the routes that resume and stop. Default: the same. */
  readonly resumePath?: string;
  readonly run: RunOptions;
  /** Nest streams the answers, which are Observables. */
  readonly isSse: boolean;
  /** Makes the source of a run of what the method returned. */
  toSource(returned: unknown, request: RunRequest): RunSource;
  /** Answers a request with a run. @param id of the run */
  answer(request: RunRequest, id: string): unknown;
}

const InjectRunRequest = createOwnParameter((_data, context) =>
  getRunRequest(context.switchToHttp().getRequest<object>()),
);

/** Makes three routes of a method that makes the source of a run. */
export function defineRunRoutes(routes: RunRoutes): MethodDecorator {
  return (target, key, descriptor) => {
    const start = wrapHandler(target, key, descriptor, InjectRunRequest(), (method, index) =>
      createStart(method, index, routes),
    );
    defineRoute(target, key, start, 'start', routes);
    const siblings: readonly [RunRoute['role'], Handler][] = [
      ['resume', (request) => routes.answer(request as RunRequest, (request as RunRequest).start!)],
      ['stop', (request) => stop(request as RunRequest)],
    ];
    const names = siblings.map(([role, handler]) => {
      const name = `${String(key)}:${role}`;
      InjectRunRequest()(target, name, 0);
      Object.defineProperty(handler, 'name', { value: name });
      Object.defineProperty(target, name, { configurable: true, writable: true, value: handler });
      defineRoute(target, name, handler, role, routes);
      return name;
    });
    Reflect.defineMetadata(RUN_SIBLINGS, names, start);
  };
}

/** The source that a method returned, or the function that makes it. */
export function toRunSource(returned: unknown): RunSource {
  return (typeof returned === 'function' ? returned : () => returned) as RunSource;
}

/** Calls the method for the source, and streams the run. */
function createStart(method: Handler, index: number, routes: RunRoutes): Handler {
  return async function (...args) {
    const request = args[index] as RunRequest;
    const returned = await method.apply(this, args.slice(0, index));
    const { id } = await request.hub.run(request.channel, routes.toSource(returned, request), routes.run);
    return routes.answer(request, id);
  };
}

async function stop({ hub, channel }: RunRequest): Promise<void> {
  await hub.stopRun(channel);
}

const METHODS = { start: RequestMethod.POST, resume: RequestMethod.GET, stop: RequestMethod.DELETE };

function defineRoute(
  target: object,
  key: string | symbol,
  handler: Handler,
  role: RunRoute['role'],
  routes: RunRoutes,
): void {
  const { channel, isResumedAfterEnd, isSse, resumePath = routes.path } = routes;
  const path = role === 'start' ? routes.path : resumePath;
  const isStream = role !== 'stop';
  Reflect.defineMetadata(PATH_METADATA, path === '' ? '/' : path, handler);
  Reflect.defineMetadata(METHOD_METADATA, METHODS[role], handler);
  Reflect.defineMetadata(HTTP_CODE_METADATA, isStream ? OK : NO_CONTENT, handler);
  if (isStream && isSse) Reflect.defineMetadata(SSE_METADATA, true, handler);
  Reflect.defineMetadata(SSE_RUN, { role, channel, isResumedAfterEnd } satisfies RunRoute, handler);
  UseGuards(SseRunGuard)(target, key, { value: handler });
}
