import 'reflect-metadata';

/**
 * The keys under which `@nestjs/swagger` keeps what its decorators say (its `constants.js`, versions 11 and 12). They
 * are written without an import of it: it is optional, and a bundler would follow the import.
 */
export const SWAGGER = {
  operation: 'swagger/apiOperation',
  parameters: 'swagger/apiParameters',
  responses: 'swagger/apiResponse',
  headers: 'swagger/apiHeaders',
  extraModels: 'swagger/apiExtraModels',
  produces: 'swagger/apiProduces',
  schema: 'swagger/apiSchema',
  modelProperties: 'swagger/apiModelPropertiesArray',
} as const;

/** The static method in which the compiler plugin of `@nestjs/swagger` keeps what it found of a class. */
export const PLUGIN_METADATA = '_OPENAPI_METADATA_FACTORY';

export type Handler = (...args: never[]) => unknown;
// oxlint-disable-next-line typescript/no-unsafe-function-type -- a class with any constructor, abstract ones too
export type Class = Function;

/** A schema of OpenAPI 3.0, of which 3.1 and 3.2 keep all that is used here. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly example?: unknown;
  readonly format?: string;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly $ref?: string;
  readonly enum?: readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly additionalProperties?: Schema;
}

/** A parameter as the decorators of `@nestjs/swagger` keep it; the body is one as well. */
export interface Parameter {
  readonly in: 'path' | 'query' | 'header' | 'body';
  readonly name?: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly schema?: Schema;
  readonly type?: unknown;
}

export interface MediaType {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: unknown;
}

/** An answer as `@ApiResponse()` keeps it. `content` is taken over as it is; without it the rest becomes the content. */
export interface ResponseEntry extends MediaType {
  readonly description?: string;
  readonly content?: Readonly<Record<string, MediaType>>;
  readonly headers?: Readonly<Record<string, { readonly schema: Schema }>>;
  readonly type?: unknown;
  readonly isArray?: boolean;
  readonly standardSchema?: unknown;
}

/** By status, or `default`. */
export type Responses = Readonly<Record<string, ResponseEntry>>;

export function getParameters(handler: Handler): readonly Parameter[] {
  return (Reflect.getMetadata(SWAGGER.parameters, handler) ?? []) as readonly Parameter[];
}

export function getResponses(target: Handler | Class): Responses {
  return (Reflect.getMetadata(SWAGGER.responses, target) ?? {}) as Responses;
}

/** Adds parameters, besides those that the handler has. */
export function addParameters(handler: Handler, parameters: readonly Parameter[]): void {
  if (parameters.length === 0) return;
  Reflect.defineMetadata(SWAGGER.parameters, [...getParameters(handler), ...parameters], handler);
}
