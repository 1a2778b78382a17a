import { createParamDecorator, type ExecutionContext, type Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner } from '@nestjs/core';

/** What Nest keeps of a decorated parameter, among those of its method. */
interface RouteArgument {
  readonly index: number;
  readonly factory?: unknown;
}

type RouteArguments = Record<string, RouteArgument>;

/** The prototypes whose methods were decorated. */
const HOMES = new WeakMap<RouteArgument, object>();

/** As `createParamDecorator()` of Nest. It notes for which class a parameter was decorated. */
export function createOwnParameter(
  factory: (data: unknown, context: ExecutionContext) => unknown,
  enhancers: ParameterDecorator[] = [],
): ReturnType<typeof createParamDecorator> {
  const noteHome: ParameterDecorator = (target, method, index) => {
    for (const argument of Object.values(findArguments(target.constructor, method)))
      if (argument.index === index && argument.factory === factory) HOMES.set(argument, target);
  };
  return createParamDecorator(factory, [noteHome, ...enhancers]);
}

/**
 * Takes away what this package's decorators said of a method that the controller overrides. Nest 11 keeps it beside what decorators say
 * of the override, at the same places: whichever value comes last would be the argument. Nest 12 replaces it by itself.
 *
 * Called before Nest makes routes, since the override may have no decorator of this package.
 */
export function dropOverriddenParameters(controller: Type<unknown>): void {
  const prototype = controller.prototype as object;
  for (const method of new MetadataScanner().getAllMethodNames(prototype)) {
    const declaring = findDeclaring(prototype, method);
    // A class decorator may wrap inherited methods. What was said of those holds for the wrappers.
    if (!declaring || !Reflect.hasOwnMetadata(ROUTE_ARGS_METADATA, declaring.constructor, method)) continue;
    const all = Object.entries(findArguments(controller, method));
    const kept = all.filter(([, argument]) => !isOverridden(argument, declaring));
    if (kept.length < all.length)
      Reflect.defineMetadata(ROUTE_ARGS_METADATA, Object.fromEntries(kept), controller, method);
  }
}

function findArguments(controller: object, method: string | symbol | undefined): RouteArguments {
  return (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method!) ?? {}) as RouteArguments;
}

function isOverridden(argument: RouteArgument, declaring: object): boolean {
  const home = HOMES.get(argument);
  return home !== undefined && Object.prototype.isPrototypeOf.call(home, declaring);
}

/** @returns the prototype that has the method itself */
function findDeclaring(prototype: object | null, method: string): object | undefined {
  if (prototype === null) return undefined;
  return Object.hasOwn(prototype, method)
    ? prototype
    : findDeclaring(Object.getPrototypeOf(prototype) as object | null, method);
}
