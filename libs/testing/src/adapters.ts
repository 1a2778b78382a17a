import type { describe as JestDescribe } from '@jest/globals';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

export type AdapterName = 'express' | 'fastify';

export interface TestAdapter {
  readonly name: AdapterName;
  /** A new one each time: an adapter serves one application. */
  create(): AbstractHttpAdapter;
}

export const adapters: readonly TestAdapter[] = [
  { name: 'express', create: () => new ExpressAdapter() },
  { name: 'fastify', create: () => new FastifyAdapter() },
];

/** `describe` once for each adapter: a test that speaks HTTP belongs in here. */
export function forEachAdapter(suite: (name: AdapterName, adapter: TestAdapter) => void): void {
  // The global, because '@jest/globals' throws when a child process imports this package.
  const { describe } = globalThis as unknown as { describe: typeof JestDescribe };
  for (const adapter of adapters) describe(`on ${adapter.name}`, () => suite(adapter.name, adapter));
}

export function createAdapter(name: AdapterName): AbstractHttpAdapter {
  const adapter = adapters.find((one) => one.name === name);
  if (!adapter) throw new Error(`no adapter "${name}": take ${adapters.map((one) => one.name).join(' or ')}`);
  return adapter.create();
}
