import { createParamDecorator, RequestMethod, UseGuards, type ExecutionContext } from '@nestjs/common';
// Nest keeps what its decorators say under these keys.
import {
  HTTP_CODE_METADATA,
  METHOD_METADATA,
  PATH_METADATA,
  ROUTE_ARGS_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import type { RunOptions, RunSource } from '../runs/run.types.js';
import { SSE_RUN, type RunChannelOfRequest, type RunRoute, type SseRunOptions } from './run-route.js';
import { getRunRequest, SseRunGuard, type RunRequest } from './sse-run.guard.js';

/** The key of the names of the two handlers beside a method. */
export const RUN_SIBLINGS = Symbol('RUN_SIBLINGS');

const OK = 200;
const NO_CONTENT = 204;

type Handler = (this: unknown, ...args: unknown[]) => unknown;

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
    const define = (
      role: RunRoute['role'],
      method: RequestMethod,
      name: string | symbol,
      handler: Handler,
    ) => {
      const route = { configurable: true, writable: true, enumerable: false, value: handler };
      defineRoute(target, name, route, path, method, { role, channel, run, connect });
      return route;
    };
    const index = nextParameter(target, key, descriptor.value as unknown as Handler);
    InjectRunRequest()(target, key, index);
    const start = createStart(descriptor.value as unknown as Handler, index, run, connect);
    descriptor.value = define('start', RequestMethod.POST, key, start).value as never;
    const siblings = [
      ['resume', RequestMethod.GET, createResume(connect)],
      ['stop', RequestMethod.DELETE, stop],
    ] as const;
    const names = siblings.map(([role, method, handler]) => {
      const name = `${String(key)}:${role}`;
      // A function of its own: metadata are kept with it.
      const own: Handler = function (...args) {
        return handler(...(args as [RunRequest]));
      };
      InjectRunRequest()(target, name, 0);
      Object.defineProperty(target, name, define(role, method, name, own));
      return name;
    });
    Reflect.defineMetadata(RUN_SIBLINGS, names, start);
  };
}

/** Calls the method for the source, and streams the run. What decorators below said of the method holds for it. */
function createStart(
  method: Handler,
  index: number,
  options: RunOptions,
  connect: RunRoute['connect'],
): Handler {
  const start: Handler = async function (...args) {
    const { hub, client, channel } = args[index] as RunRequest;
    const returned = await method.apply(this, args.slice(0, index));
    const source = (typeof returned === 'function' ? returned : () => returned) as RunSource;
    const { id } = await hub.run(channel, source, options);
    return hub.connect(client, channel, { ...connect, from: id });
  };
  Object.defineProperty(start, 'name', { value: method.name });
  for (const key of Reflect.getMetadataKeys(method) as unknown[])
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), start);
  return start;
}

function createResume(connect: RunRoute['connect']): (request: RunRequest) => unknown {
  return ({ hub, client, channel, run }) => hub.connect(client, channel, { ...connect, from: run!.id });
}

async function stop({ hub, channel }: RunRequest): Promise<void> {
  await hub.stopRun(channel);
}

/** The place of a parameter behind those of a method, also behind those that have a default. */
function nextParameter(target: object, key: string | symbol, method: Handler): number {
  const known = (Reflect.getMetadata(ROUTE_ARGS_METADATA, target.constructor, key) ?? {}) as Record<
    string,
    { readonly index: number }
  >;
  return Math.max(method.length, ...Object.values(known).map(({ index }) => index + 1));
}

function defineRoute(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Handler>,
  path: string,
  method: RequestMethod,
  route: RunRoute,
): void {
  const handler = descriptor.value!;
  const isStream = route.role !== 'stop';
  Reflect.defineMetadata(PATH_METADATA, path === '' ? '/' : path, handler);
  Reflect.defineMetadata(METHOD_METADATA, method, handler);
  Reflect.defineMetadata(HTTP_CODE_METADATA, isStream ? OK : NO_CONTENT, handler);
  if (isStream) Reflect.defineMetadata(SSE_METADATA, true, handler);
  Reflect.defineMetadata(SSE_RUN, route, handler);
  UseGuards(SseRunGuard)(target, key, descriptor);
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
