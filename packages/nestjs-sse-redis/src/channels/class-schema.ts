import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import type { DtoClass } from './event-schemas.js';
import type { SchemaIssue, StandardSchema } from './standard-schema.js';

/** The options of `classSchema()`: those of class-validator, such as `whitelist`. */
export interface ClassSchemaOptions {
  /** Drops fields without a decorator. Default false, as in Nest's `ValidationPipe`. */
  readonly whitelist?: boolean;
  /** Refuses data with fields without a decorator. Default false. */
  readonly forbidNonWhitelisted?: boolean;
  readonly groups?: string[];
  readonly strictGroups?: boolean;
  readonly always?: boolean;
  readonly skipMissingProperties?: boolean;
}

const NO_DECORATORS = 'its class has no decorators of class-validator';

/** A fault as class-validator reports it; `children` are those of a nested object or of an array's items. */
interface ValidationError {
  readonly property: string;
  readonly constraints?: Readonly<Record<string, string>>;
  readonly children?: readonly ValidationError[];
}

interface Validator {
  validate(object: object, options: ClassSchemaOptions): Promise<ValidationError[]>;
}

interface Transformer {
  plainToInstance(type: DtoClass, value: object): object;
}

/**
 * Makes a Standard Schema of a class with decorators of class-validator, for other options than the defaults; a definition
 * also takes the class itself. What is stored is an instance of the class, so that transforming decorators count.
 *
 * The schema is asynchronous, since validators may be. It needs the packages class-validator and class-transformer, which the start of
 * the application loads.
 *
 * @param type its instances are the data
 * @example events: { shipped: classSchema(ShippedDto, { whitelist: true }) }
 */
export function classSchema<T extends object>(
  type: DtoClass<T>,
  options: ClassSchemaOptions = {},
): StandardSchema<T> {
  const validate = async (value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { issues: [{ message: `an object is expected, an instance of ${type.name} or alike` }] };
    const [validator, transformer] = await loadClassPackages();
    const instance = value instanceof type ? value : transformer.plainToInstance(type, value);
    const issues = (await validator.validate(instance, options)).flatMap((error) => toIssues(error, []));
    return issues.length > 0 ? { issues } : { value: instance as T };
  };
  return Object.freeze({ '~standard': { version: 1, vendor: 'class-validator', validate }, type } as const);
}

let packages: Promise<[Validator, Transformer]> | undefined;

/**
 * Loads class-validator and class-transformer, once. They are optional.
 *
 * @throws InvalidOptionsError saying what to install
 */
export function loadClassPackages(): Promise<[Validator, Transformer]> {
  return (packages ??= load());
}

async function load(): Promise<[Validator, Transformer]> {
  // Inside of a `try` bundlers take them for optional.
  try {
    const validator = await import('class-validator');
    const transformer = await import('class-transformer');
    return [validator, transformer];
  } catch (cause) {
    packages = undefined;
    throw new InvalidOptionsError(
      'A channel definition has a class as the schema of an event, which takes two more packages: npm install class-validator class-transformer.',
      { cause },
    );
  }
}

function toIssues(
  { property, constraints = {}, children = [] }: ValidationError,
  parents: readonly string[],
): SchemaIssue[] {
  const path = property === undefined ? parents : [...parents, property];
  return [
    ...Object.entries(constraints).map(([name, message]) => ({
      message: name === 'unknownValue' ? NO_DECORATORS : message,
      path,
    })),
    ...children.flatMap((child) => toIssues(child, path)),
  ];
}
