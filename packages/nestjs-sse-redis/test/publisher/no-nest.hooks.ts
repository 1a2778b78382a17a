type Resolve = (specifier: string, context: unknown) => unknown;

/** @see https://nodejs.org/api/module.html#resolvespecifier-context-nextresolve */
export function resolve(specifier: string, context: unknown, next: Resolve): unknown {
  if (/^(@nestjs\/|rxjs\b|reflect-metadata\b)/.test(specifier))
    throw new Error(`${specifier} is not installed here`);
  return next(specifier, context);
}
