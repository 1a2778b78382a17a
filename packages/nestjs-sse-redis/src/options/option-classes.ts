import type { ModuleRef } from '@nestjs/core';
import { isObject } from './describe-value.js';
import type { OptionClass, SseAuthorizer, SseIdentifier } from './option-class.interface.js';
import type { SseRedisOptions } from './sse-redis-options.interface.js';

type Modules = Pick<ModuleRef, 'get' | 'create'>;

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
      identify: async (...args: Parameters<SseIdentifier['identify']>) => (await find()).identify(...args),
    });
  }
  return result;
}

function isOptionClass<T>(value: unknown): value is OptionClass<T> {
  if (!isObject(value)) return false;
  const [[key, type] = [], ...others] = Object.entries(value) as [string, unknown][];
  return others.length === 0 && (key === 'useExisting' || key === 'useClass') && typeof type === 'function';
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
  return 'useClass' in option
    ? modules.create(option.useClass)
    : modules.get(option.useExisting, { strict: false });
}
