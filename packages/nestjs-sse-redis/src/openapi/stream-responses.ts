import type { StreamRoute } from '../http/stream-routes.js';
import { describeRefusals, EVENT_STREAM, STREAM_DESCRIPTION } from './stream-description.js';
import { describeStreamMedia } from './stream-events.js';
import {
  getResponses,
  SWAGGER,
  type Class,
  type MediaType,
  type ResponseEntry,
  type Responses,
  type Schema,
} from './swagger-metadata.js';

/** How `@nestjs/swagger` names the types that are no classes of an application. */
const BUILT_IN = new Map<unknown, string>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
  [Object, 'object'],
  [Array, 'array'],
]);

/**
 * Documents the answers of a stream route, as far as the application has not: by status, on the method or the class.
 *
 * @param special answers that other streams do not give
 */
export function documentResponses(
  route: StreamRoute,
  status: number,
  hasInput: boolean,
  special: Responses = {},
): void {
  const { controller, handler } = route;
  const own = getResponses(handler);
  // Those of a class are weaker than those of a method for `@nestjs/swagger`, but stronger than ours.
  const ofClass = getResponses(controller);
  const refusals = Object.entries({ ...describeRefusals(hasInput), ...special }).filter(
    ([key]) => !(key in ofClass),
  );
  const stream = describeStream(route, own[status], ofClass[status]);
  const responses: Responses = {
    ...Object.fromEntries(refusals),
    ...own,
    ...(stream && { [status]: stream }),
  };
  Reflect.defineMetadata(SWAGGER.responses, responses, handler);
}

/** Returns the stream as the application describes it, with its media type; undefined where its class says all. */
function describeStream(
  route: StreamRoute,
  own: ResponseEntry | undefined,
  ofClass: ResponseEntry | undefined,
): ResponseEntry | undefined {
  const given = own ?? ofClass;
  const description = given?.description || STREAM_DESCRIPTION;
  if (!given || !hasContent(given)) {
    const media = describeStreamMedia(route.handler, (model) => refer(model, route.handler));
    return { ...given, description, content: { [EVENT_STREAM]: media } };
  }
  if (given.content || saysMediaType(route)) return own && { ...own, description };
  const stream = toEventStream(given, description, route.handler);
  if (!stream && own) produceEventStream(route.handler, own);
  return stream ?? own;
}

/** Does as `@ApiProduces()`, which reaches a Standard Schema too, but also every other answer of the route that has a type. */
function produceEventStream(handler: StreamRoute['handler'], stream: ResponseEntry): void {
  const others = Object.values(getResponses(handler)).filter((response) => response !== stream);
  if (others.every((response) => response.content || !hasContent(response)))
    Reflect.defineMetadata(SWAGGER.produces, [EVENT_STREAM], handler);
}

function hasContent({ content, type, schema, example, examples, standardSchema }: ResponseEntry): boolean {
  return [content, type, schema, example, examples, standardSchema].some((part) => part !== undefined);
}

/** Whether `@ApiProduces()` of the application is meant for the stream. On a class it may be about the other routes. */
function saysMediaType({ controller, handler }: StreamRoute): boolean {
  const ofClass = (Reflect.getMetadata(SWAGGER.produces, controller) ?? []) as readonly string[];
  return Reflect.hasMetadata(SWAGGER.produces, handler) || ofClass.includes(EVENT_STREAM);
}

/**
 * Moves what `@ApiOkResponse({ type })` says under the media type of streams. `@ApiProduces()` would do it for errors as
 * well, which are JSON. Returns undefined where the type is none that can be referred to.
 */
function toEventStream(
  { type, isArray, schema, example, examples, standardSchema, ...rest }: ResponseEntry,
  description: string,
  handler: StreamRoute['handler'],
): ResponseEntry | undefined {
  if (standardSchema !== undefined) return undefined;
  const single = type === undefined ? schema : toSchema(type, handler);
  if (type !== undefined && !single) return undefined;
  const media: MediaType = {
    ...(single && { schema: isArray ? { type: 'array', items: single } : single }),
    ...(example !== undefined && { example }),
    ...(examples !== undefined && { examples }),
  };
  return { ...rest, description, content: { [EVENT_STREAM]: media } };
}

/** Returns undefined where the type is none that can be referred to. */
function toSchema(type: unknown, handler: StreamRoute['handler']): Schema | undefined {
  if (Array.isArray(type)) {
    const items = toSchema(type[0], handler);
    return items && { type: 'array', items };
  }
  const builtIn = BUILT_IN.get(type);
  if (builtIn) return { type: builtIn };
  if (type === Date) return { type: 'string', format: 'date-time' };
  if (typeof type !== 'function') return undefined;
  // `@nestjs/swagger` tells `type: () => Event` from a class by the name that JavaScript gives such a function.
  return type.name === 'type' ? toSchema((type as () => unknown)(), handler) : refer(type, handler);
}

/** As `getSchemaPath()` of `@nestjs/swagger`, to which the class is named as one more model. */
function refer(model: Class, handler: StreamRoute['handler']): Schema {
  const models = (Reflect.getMetadata(SWAGGER.extraModels, handler) ?? []) as readonly Class[];
  if (!models.includes(model)) Reflect.defineMetadata(SWAGGER.extraModels, [...models, model], handler);
  const named = (Reflect.getOwnMetadata(SWAGGER.schema, model) ?? []) as readonly { name?: string }[];
  return { $ref: `#/components/schemas/${named.at(-1)?.name ?? model.name}` };
}
