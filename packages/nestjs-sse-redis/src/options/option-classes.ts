import { Scope } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { Logger } from '../util/logger.js';
import { isObject } from '../event/describe-value.js';
import type { OptionClass, SseAuthorizer, SseIdentifier } from './option-class.interface.js';
import type { SseRedisOptions } from './sse-redis-options.interface.js';

type Modules = Pick<ModuleRef, 'get' | 'create' | 'introspect'>;

/** Puts functions in the place of options that are classes. Their instances are looked up when they are first called. */
export function resolveOptionClasses(options: SseRedisOptions, modules: Modules): SseRedisOptions {
  if (!isObject(options)) return options;
  const { authorize, identify } = options;
  const result: SseRedisOptions = { ...options };
  if (isOptionClass<SseAuthorizer>(authorize)) {
    const find = createFinder(authorize, modules);
    Object.assign(result, {
      authorize: async (...args: Parameters<SseAuthorizer['authorize']>) => (await find()).authorize(...args),
    });
  }
  if (isOptionClass<SseIdentifier>(identify)) {
    const find = createFinder(identify, modules);
    Object.assign(result, {
      identify: async (...args: Parameters<SseIdentifier['identify']>) => {
        const identifier = await find().catch(logAndThrow);
        return identifier.identify(...args);
      },
    });
  }
  return result;
}

function isOptionClass<T>(value: unknown): value is OptionClass<T> {
  if (!isObject(value)) return false;
  const [[key, type] = [], ...others] = Object.entries(value) as [string, unknown][];
  return others.length === 0 && (key === 'useExisting' || key === 'useClass') && typeof type === 'function';
}

/** Nest logs no `HttpException`, and the client is not shown the message. The hub itself logs what fails under `authorize`. */
function logAndThrow(error: unknown): never {
  if (error instanceof InvalidOptionsError) new Logger('SseHub').error(error.message);
  throw error;
}

function createFinder<T>(option: OptionClass<T>, modules: Modules): () => Promise<T> {
  let found: Promise<T> | undefined;
  return () =>
    (found ??= find(option, modules).catch((error: unknown) => {
      // What failed once may work for the next client.
      found = undefined;
      throw error;
    }));
}

async function find<T>(option: OptionClass<T>, modules: Modules): Promise<T> {
  if ('useClass' in option) return modules.create(option.useClass);
  const { useExisting } = option;
  if (modules.introspect(useExisting).scope !== Scope.DEFAULT) {
    throw new InvalidOptionsError(
      `useExisting names ${useExisting.name}, which is made anew for each request or injection. The hub asks it without a request too: give it, and what it injects, the default scope, or use useClass.`,
    );
  }
  return modules.get(useExisting, { strict: false });
}
