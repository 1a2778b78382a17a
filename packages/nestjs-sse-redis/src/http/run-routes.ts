import type { Type } from '@nestjs/common';
import {
  GUARDS_METADATA,
  HTTP_CODE_METADATA,
  METHOD_METADATA,
  PATH_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import { MetadataScanner } from '@nestjs/core';
import { RUN_SIBLINGS } from './run-decorator.js';
import { SSE_RUN } from './run-route.js';
import { SseRunGuard } from './sse-run.guard.js';

/** What `@nestjs/swagger` says of a route that was documented before it was completed. */
const DOCUMENTATION = 'swagger/';

/** What each of the three routes of a run has of its own. */
const OWN: ReadonlySet<unknown> = new Set([
  HTTP_CODE_METADATA,
  METHOD_METADATA,
  PATH_METADATA,
  SSE_METADATA,
  SSE_RUN,
  RUN_SIBLINGS,
]);

/**
 * Gives the routes that resume and stop a run the guards, filters, interceptors and whatever else decorators gave to the method that
 * starts it. Called before Nest makes routes: decorators above `@SseRun()` come after it.
 */
export function completeRunRoutes(controller: Type<unknown>): void {
  const prototype = controller.prototype as Record<string, object>;
  for (const method of new MetadataScanner().getAllMethodNames(prototype)) {
    const handler = prototype[method]!;
    const siblings = Reflect.getMetadata(RUN_SIBLINGS, handler) as readonly string[] | undefined;
    if (!siblings) continue;
    putOwnGuardLast(handler);
    for (const name of siblings) copyMetadata(handler, prototype[name]!);
  }
}

/** The application's guards say who the client is, and keep others out. */
function putOwnGuardLast(handler: object): void {
  const guards = Reflect.getMetadata(GUARDS_METADATA, handler) as readonly unknown[];
  const others = guards.filter((guard) => guard !== SseRunGuard);
  Reflect.defineMetadata(GUARDS_METADATA, [...others, SseRunGuard], handler);
}

function copyMetadata(from: object, to: object): void {
  for (const key of Reflect.getMetadataKeys(from) as unknown[])
    if (!OWN.has(key) && !isDocumented(key, to))
      Reflect.defineMetadata(key, Reflect.getMetadata(key, from), to);
}

function isDocumented(key: unknown, target: object): boolean {
  return typeof key === 'string' && key.startsWith(DOCUMENTATION) && Reflect.hasOwnMetadata(key, target);
}
