import type { ModulesContainer } from '@nestjs/core';
import { isDeepStrictEqual } from 'node:util';
import type { ResolvedOptions } from './options/resolved-options.js';
import { RESOLVED_OPTIONS } from './options/resolved-options.token.js';

/** A hub of the application. */
export interface FoundHub {
  readonly options: Pick<ResolvedOptions, 'prefix' | 'redis'>;
  /** Whether it is of another copy of this package. */
  readonly isForeign: boolean;
}

/** What to do about it. */
export const TWO_COPIES =
  'The application has two copies of nestjs-sse-redis: `npm ls nestjs-sse-redis`, or `pnpm why nestjs-sse-redis`, shows them. Where libraries have it, and its peers, as peer dependencies, there is one.';

/**
 * Returns the hubs of an application, also those of other copies of the package: a workspace may give one to a library. Their classes and
 * symbols are not these. The description of a symbol is, and no minifier changes it.
 */
export function findAllHubs(modules: ModulesContainer): FoundHub[] {
  return [...modules.values()].flatMap(({ providers }) =>
    [...providers].flatMap(([token, { instance }]): FoundHub[] => {
      if (typeof token !== 'symbol' || token.description !== RESOLVED_OPTIONS.description) return [];
      const options = instance as ResolvedOptions | undefined;
      return options ? [{ options, isForeign: token !== RESOLVED_OPTIONS }] : [];
    }),
  );
}

/** Returns the hubs with the same Redis and prefix as one of them, which is among them. */
export function findTwins(modules: ModulesContainer, options: ResolvedOptions): FoundHub[] {
  return findAllHubs(modules).filter(
    ({ options: { prefix, redis } }) => prefix === options.prefix && isDeepStrictEqual(redis, options.redis),
  );
}
