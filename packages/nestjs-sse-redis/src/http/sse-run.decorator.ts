import { createParamDecorator, RequestMethod, UseGuards, type ExecutionContext } from '@nestjs/common';
// Nest keeps what its decorators say under these keys.
import {
  HTTP_CODE_METADATA,
  METHOD_METADATA,
  PATH_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import type { RunOptions, RunSource } from '../runs/run.types.js';
import { SSE_RUN, type RunChannelOfRequest, type RunRoute, type SseRunOptions } from './run-route.js';
import { getRunRequest, SseRunGuard, type RunRequest } from './sse-run.guard.js';
import { wrapHandler, type Handler } from './wrap-handler.js';

/** The key of the names of the two handlers beside a method. */
export const RUN_SIBLINGS = Symbol('RUN_SIBLINGS');

const OK = 200;
const NO_CONTENT = 204;

const InjectRunRequest = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  getRunRequest(context.switchToHttp().getRequest<object>()),
);

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
  return (target, key, descriptor) => {
    const toRoute = (role: RunRoute['role']): RunRoute => ({ role, channel, run, connect });
    const start = wrapHandler(target, key, descriptor, InjectRunRequest(), (method, index) =>
      createStart(method, index, run, connect),
    );
    defineRoute(target, key, start, path, RequestMethod.POST, toRoute('start'));
    const siblings = [
      ['resume', RequestMethod.GET, createResume(connect)],
      ['stop', RequestMethod.DELETE, createStop()],
    ] as const;
    const names = siblings.map(([role, method, handler]) => {
      const name = `${String(key)}:${role}`;
      InjectRunRequest()(target, name, 0);
      Object.defineProperty(handler, 'name', { value: name });
      Object.defineProperty(target, name, { configurable: true, writable: true, value: handler });
      defineRoute(target, name, handler, path, method, toRoute(role));
      return name;
    });
    Reflect.defineMetadata(RUN_SIBLINGS, names, start);
  };
}

/** Calls the method for the source, and streams the run. */
function createStart(
  method: Handler,
  index: number,
  options: RunOptions,
  connect: RunRoute['connect'],
): Handler {
  return async function (...args) {
    const { hub, client, channel } = args[index] as RunRequest;
    const returned = await method.apply(this, args.slice(0, index));
    const source = (typeof returned === 'function' ? returned : () => returned) as RunSource;
    const { id } = await hub.run(channel, source, options);
    return hub.connect(client, channel, { ...connect, from: id });
  };
}

function createResume(connect: RunRoute['connect']): Handler {
  return (...args) => {
    const { hub, client, channel, run } = args[0] as RunRequest;
    return hub.connect(client, channel, { ...connect, from: run!.id });
  };
}

function createStop(): Handler {
  return async (...args) => {
    const { hub, channel } = args[0] as RunRequest;
    await hub.stopRun(channel);
  };
}

function defineRoute(
  target: object,
  key: string | symbol,
  handler: Handler,
  path: string,
  method: RequestMethod,
  route: RunRoute,
): void {
  const isStream = route.role !== 'stop';
  Reflect.defineMetadata(PATH_METADATA, path === '' ? '/' : path, handler);
  Reflect.defineMetadata(METHOD_METADATA, method, handler);
  Reflect.defineMetadata(HTTP_CODE_METADATA, isStream ? OK : NO_CONTENT, handler);
  if (isStream) Reflect.defineMetadata(SSE_METADATA, true, handler);
  Reflect.defineMetadata(SSE_RUN, route, handler);
  UseGuards(SseRunGuard)(target, key, { value: handler });
}

function splitOptions(options: SseRunOptions): Pick<RunRoute, 'run' | 'connect'> {
  const { onExisting, batch, retainAfterEnd, ...connect } = options;
  const run: RunOptions = {
    ...(onExisting !== undefined && { onExisting }),
    ...(batch !== undefined && { batch }),
    ...(retainAfterEnd !== undefined && { retainAfterEnd }),
  };
  return { run, connect };
}
