import * as nest from '@nestjs/common';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import type { ApplicationConfig } from '@nestjs/core';
import type { StreamRoute } from './stream-routes.js';

/** An interceptor of the application on a route. */
export interface BoundInterceptor {
  /** Its class, and where it is bound: `LoggingInterceptor (global)`. */
  readonly label: string;
  /** It is one of Nest's, whose only purpose is to leave fields out of answers. */
  readonly hidesFields: boolean;
}

type Place = 'global' | 'controller' | 'method';
type Bound = nest.Type<nest.NestInterceptor> | nest.NestInterceptor;

/** Nest 11 has only the first. Looked up by name, since an import of what is not there fails where Nest is CommonJS. */
const SERIALIZERS = ['ClassSerializerInterceptor', 'StandardSchemaSerializerInterceptor']
  .map((name) => (nest as unknown as Record<string, unknown>)[name])
  .filter((serializer) => typeof serializer === 'function');

/** Returns the interceptors on a route, in the order in which Nest calls them. */
export function findBoundInterceptors(route: StreamRoute, config: ApplicationConfig): BoundInterceptor[] {
  return [
    ...findGlobalInterceptors(config),
    ...describeAll(Reflect.getMetadata(INTERCEPTORS_METADATA, route.controller), 'controller'),
    ...describeAll(Reflect.getMetadata(INTERCEPTORS_METADATA, route.handler), 'method'),
  ];
}

/** Those of `app.useGlobalInterceptors()` and of `APP_INTERCEPTOR`, which Nest keeps apart where they are request-scoped. */
function findGlobalInterceptors(config: ApplicationConfig): BoundInterceptor[] {
  const scoped = config
    .getGlobalRequestInterceptors()
    // The class that a factory returns is not known before the first request.
    .map(({ metatype, isFactory }) => (isFactory ? undefined : metatype));
  return [
    ...describeAll(config.getGlobalInterceptors(), 'global'),
    ...scoped.map((metatype) =>
      metatype
        ? describe(metatype as Bound, 'global')
        : { label: 'APP_INTERCEPTOR (global)', hidesFields: false },
    ),
  ];
}

function describeAll(bound: unknown, place: Place): BoundInterceptor[] {
  return ((bound ?? []) as readonly Bound[])
    .filter(Boolean)
    .map((interceptor) => describe(interceptor, place));
}

function describe(interceptor: Bound, place: Place): BoundInterceptor {
  const type = typeof interceptor === 'function' ? interceptor : interceptor.constructor;
  const name = type === Object || type.name === '' ? 'an interceptor without a class' : type.name;
  return { label: `${name} (${place})`, hidesFields: isSerializer(type) };
}

function isSerializer(type: { readonly prototype: unknown }): boolean {
  return SERIALIZERS.some(
    (serializer) => type === serializer || type.prototype instanceof (serializer as nest.Type<unknown>),
  );
}
