import { PARAMTYPES_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { StreamRoute } from '../http/stream-routes.js';
import { getParameters, PLUGIN_METADATA, SWAGGER, type Class, type Parameter } from './swagger-metadata.js';

/** By Nest's numbers of `@Query()`, `@Param()` and `@Headers()`: `RouteParamtypes`, which it does not export. */
const SOURCES: Readonly<Record<string, Parameter['in']>> = { 4: 'query', 5: 'path', 6: 'header' };

/** An argument of a handler, as Nest's parameter decorators keep it: `@Param('id')`, `@Query()`. */
interface RouteArgument {
  readonly index: number;
  /** Its name; without one the argument is an object of all. */
  readonly data?: unknown;
  /** Nest 12: a Standard Schema, whose fields `@nestjs/swagger` documents. */
  readonly schema?: unknown;
}

interface DeclaredArgument extends RouteArgument {
  readonly in: Parameter['in'];
  readonly type: unknown;
}

/** Leaves out of `parameters` those that the application has documented, which `@nestjs/swagger` would replace by ours. */
export function omitDocumented(route: StreamRoute, parameters: readonly Parameter[]): Parameter[] {
  const explicit = [...getParameters(route.handler), ...getHeaders(route.controller)];
  const declared = findDeclared(route);
  return parameters
    .filter((parameter) => !explicit.some((other) => isSame(parameter, other.in, other.name)))
    .filter((parameter) => !declared.some((argument) => isDescribedBy(parameter, argument)))
    .map((parameter) => withNameOfHandler(parameter, declared));
}

/** What `@ApiHeader()` of the class adds to each route. */
function getHeaders(controller: Class): readonly Parameter[] {
  return (Reflect.getMetadata(SWAGGER.headers, controller) ?? []) as readonly Parameter[];
}

/** The arguments that `@nestjs/swagger` documents: those with a type that it can read. */
function findDeclared({ controller, method }: StreamRoute): DeclaredArgument[] {
  const prototype = controller.prototype as object;
  const types = (Reflect.getMetadata(PARAMTYPES_METADATA, prototype, method) ?? []) as readonly unknown[];
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as Record<
    string,
    RouteArgument
  >;
  return Object.entries(args).flatMap(([key, argument]) => {
    const source = SOURCES[key.split(':')[0]!];
    const type = types[argument.index];
    const isReadable = argument.schema !== undefined || (type !== undefined && type !== Object);
    return source && isReadable ? [{ ...argument, in: source, type }] : [];
  });
}

/**
 * Whether an argument says more than ours of a parameter: a path parameter has its type there. `@Query('lastEventId')` has
 * none to speak of, and would be documented as required.
 */
function isDescribedBy(parameter: Parameter, argument: DeclaredArgument): boolean {
  if (argument.in !== parameter.in) return false;
  if (typeof argument.data === 'string')
    return (
      (parameter.in === 'path' || argument.schema !== undefined) &&
      isSame(parameter, argument.in, argument.data)
    );
  return (
    argument.schema !== undefined ||
    getPropertyNames(argument.type).some((name) => isSame(parameter, argument.in, name))
  );
}

/** The fields of a class that `@nestjs/swagger` documents: by `@ApiProperty()`, or by its compiler plugin. */
function getPropertyNames(type: unknown): string[] {
  if (typeof type !== 'function') return [];
  const decorated = (Reflect.getMetadata(SWAGGER.modelProperties, type.prototype as object) ??
    []) as readonly string[];
  const names = decorated.map((name) => name.replace(/^:/, ''));
  for (let one: unknown = type; typeof one === 'function'; one = Object.getPrototypeOf(one)) {
    const found = (one as unknown as Record<string, unknown>)[PLUGIN_METADATA];
    if (typeof found === 'function') names.push(...Object.keys((found as () => object).call(one)));
  }
  return names;
}

/** `@Headers('last-event-id')` and ours are one parameter: names of headers have no case. */
function withNameOfHandler(parameter: Parameter, declared: readonly DeclaredArgument[]): Parameter {
  const same = declared.find(({ in: source, data }) => isSame(parameter, source, data));
  return same ? { ...parameter, name: String(same.data) } : parameter;
}

function isSame(parameter: Parameter, source: string | undefined, name: unknown): boolean {
  if (source !== parameter.in || typeof name !== 'string' || parameter.name === undefined) return false;
  return source === 'header' ? name.toLowerCase() === parameter.name.toLowerCase() : name === parameter.name;
}
