import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';

/** A method of a controller. */
export type Handler = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Puts a handler in the place of a method, with one more parameter than the method has. What decorators below said of the method
 * holds for it.
 *
 * Not an interceptor, since Nest sends the headers of a stream while interceptors wait for something
 * (`RouterResponseController.sse`): what is thrown then is an event of a stream of status 200.
 *
 * @param inject gives the handler the parameter at the index
 * @param create makes the handler, of the method and the index
 */
export function wrapHandler(
  target: object,
  key: string | symbol,
  descriptor: { value?: unknown },
  inject: ParameterDecorator,
  create: (method: Handler, index: number) => Handler,
): Handler {
  const method = descriptor.value as Handler;
  const index = nextParameter(target, key, method);
  inject(target, key, index);
  const handler = create(method, index);
  Object.defineProperty(handler, 'name', { value: method.name });
  for (const metadataKey of Reflect.getMetadataKeys(method) as unknown[])
    Reflect.defineMetadata(metadataKey, Reflect.getMetadata(metadataKey, method), handler);
  descriptor.value = handler;
  return handler;
}

/** The place of a parameter behind those of a method, also behind those that have a default. */
function nextParameter(target: object, key: string | symbol, method: Handler): number {
  const known = (Reflect.getMetadata(ROUTE_ARGS_METADATA, target.constructor, key) ?? {}) as Record<
    string,
    { readonly index: number }
  >;
  return Math.max(method.length, ...Object.values(known).map(({ index }) => index + 1));
}
