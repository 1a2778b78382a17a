import type { Type } from '@nestjs/common';
// Nest keeps what its decorators say under these keys. It has no public way to ask whether a method is an @Sse() route.
import { PARAMTYPES_METADATA, SSE_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner } from '@nestjs/core';
import { SSE_CHANNELS } from './sse-channels.decorator.js';
import { SSE_CLIENT } from './sse-client.decorator.js';

/** A method of a controller that streams events of a hub. */
export interface StreamRoute {
  /** As Nest names handlers: `NewsController.stream`. */
  readonly name: string;
  readonly method: string;
  readonly controller: Type<unknown>;
  readonly handler: (...args: unknown[]) => unknown;
}

/** Returns the methods of a controller that are `@Sse()` and take `@SseClient()` or have `@SseChannels()`. */
export function findStreamRoutes(controller: Type<unknown>): StreamRoute[] {
  const prototype = controller.prototype as Record<string, StreamRoute['handler']>;
  return new MetadataScanner()
    .getAllMethodNames(prototype)
    .filter((method) => isStreamRoute(prototype, method))
    .map((method) => ({
      name: `${controller.name}.${method}`,
      method,
      controller,
      handler: prototype[method]!,
    }));
}

function isStreamRoute(prototype: Record<string, StreamRoute['handler']>, method: string): boolean {
  const handler = prototype[method]!;
  if (Reflect.getMetadata(SSE_METADATA, handler) !== true) return false;
  return Reflect.hasMetadata(SSE_CLIENT, prototype, method) || Reflect.hasMetadata(SSE_CHANNELS, handler);
}

/**
 * SWC tells Nest the decorator as the type of the parameter, since the two share a name. A ValidationPipe that validates custom
 * decorators would make an instance of it, and fail. Called before Nest reads the types, which it does once, for the routes; not
 * by the decorator, since compilers differ in whether the types are defined before parameters are decorated.
 */
export function hideClientTypes(controller: Type<unknown>): void {
  const prototype = controller.prototype as object;
  for (const method of new MetadataScanner().getAllMethodNames(prototype)) {
    const typed = findTyped(prototype, method);
    if (!typed) continue;
    const types = Reflect.getOwnMetadata(PARAMTYPES_METADATA, typed, method) as unknown[];
    // Of the same class: the method that it overrides may take its client where this one takes data, which is to be validated.
    const indexes = Reflect.getOwnMetadata(SSE_CLIENT, typed, method) as number[] | undefined;
    for (const index of indexes ?? []) types[index] = Object;
  }
}

/** @returns the prototype for whose method a compiler has noted types */
function findTyped(prototype: object | null, method: string): object | undefined {
  if (prototype === null || Reflect.hasOwnMetadata(PARAMTYPES_METADATA, prototype, method))
    return prototype ?? undefined;
  return findTyped(Object.getPrototypeOf(prototype) as object | null, method);
}
