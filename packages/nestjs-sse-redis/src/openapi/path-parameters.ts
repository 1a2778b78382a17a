import { PATH_METADATA } from '@nestjs/common/constants.js';
import { RouterModule, type ModulesContainer, type Routes } from '@nestjs/core';
import type { Class, Handler } from './swagger-metadata.js';

type Module = ModulesContainer extends Map<string, infer Value> ? Value : never;

/**
 * `:id` and `*rest`, unless escaped: `\:`, `::` (Fastify) or `[:]`. A `*` or `(.*)` without a name is called `path` by
 * Nest and by `@nestjs/swagger`.
 */
const PARAMETER = /(?<![\\:[])[:*](?:"(?<quoted>[^"]+)"|(?<name>[\p{ID_Start}$_][\p{ID_Continue}$]*))/gu;
const UNNAMED = /(?:^|\/)(?:\*|\(\.\*\))\/?$/;

/**
 * Returns the names of the parameters in the path of a route: of the module (`RouterModule`), the controller and the
 * method. The global prefix is not known yet, and has `DocumentBuilder.addGlobalParameters()`.
 */
export function findPathParameters(modulePath: string, controller: Class, handler: Handler): string[] {
  const paths = [modulePath, ...toPaths(controller), ...toPaths(handler)];
  return [...new Set(paths.flatMap(parsePath))];
}

/** Nest takes one path, or several, of which a route has the parameters of all: decorators cannot tell them apart. */
function toPaths(target: Class | Handler): string[] {
  return [Reflect.getMetadata(PATH_METADATA, target) as unknown]
    .flat()
    .filter((path): path is string => typeof path === 'string');
}

function parsePath(path: string): string[] {
  const names = [...path.matchAll(PARAMETER)].map(({ groups }) => groups!['quoted'] ?? groups!['name']!);
  return UNNAMED.test(path) ? [...names, 'path'] : names;
}

/** Returns a function that knows under which path a module is. */
export function readModulePaths(modules: ModulesContainer): (module: Module) => string {
  const paths = new Map<Class, string>();
  for (const module of modules.values()) {
    if (module.metatype === RouterModule) collectPaths(getRoutes(module), '', paths);
  }
  return ({ metatype }) => paths.get(metatype) ?? '';
}

/** What was given to `RouterModule.register()`. Its constructor, which may not have run yet, says it to nobody else. */
function getRoutes(module: Module): Routes {
  for (const { instance } of module.providers.values()) if (Array.isArray(instance)) return instance;
  return [];
}

function collectPaths(routes: Routes, parent: string, paths: Map<Class, string>): void {
  for (const { path, module, children = [] } of routes) {
    const full = `${parent}/${path}`;
    if (module) paths.set(module, full);
    for (const child of children) {
      if (typeof child === 'function') paths.set(child, full);
      else collectPaths([child], full, paths);
    }
  }
}
