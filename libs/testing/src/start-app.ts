import type {
  DynamicModule,
  INestApplication,
  ModuleMetadata,
  NestApplicationOptions,
  Type,
} from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import type { AddressInfo } from 'node:net';
import { createAdapter, type AdapterName } from './adapters.js';

export interface StartAppOptions {
  /** Before the module is compiled: `overrideProvider` and the like. */
  override?: (builder: TestingModuleBuilder) => TestingModuleBuilder | void;
  /** Before the application listens: prefixes, versioning, pipes, shutdown hooks. */
  configure?: (app: INestApplication) => void | Promise<void>;
  /** For `createNestApplication`. Errors are logged by default, as in any Nest test. */
  application?: NestApplicationOptions;
}

export interface RunningApp {
  readonly app: INestApplication;
  /** Without a slash at its end. */
  readonly url: string;
  /** `app.close()`, once, however often it is called. */
  close: () => Promise<void>;
}

/**
 * A Nest application in this process, listening on a free loopback port.
 *
 * @param adapter its name, or a new one with options of its own
 */
export async function startApp(
  module: Type<unknown> | DynamicModule | ModuleMetadata,
  adapter: AdapterName | AbstractHttpAdapter,
  { override, configure, application }: StartAppOptions = {},
): Promise<RunningApp> {
  const builder = Test.createTestingModule(toMetadata(module));
  const compiled = await ((override && override(builder)) || builder).compile();
  const httpAdapter = typeof adapter === 'string' ? createAdapter(adapter) : adapter;
  const app = compiled.createNestApplication(httpAdapter, application);
  await configure?.(app);
  await app.listen(0, '127.0.0.1');

  const { port } = app.getHttpServer().address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return { app, url: `http://127.0.0.1:${port}`, close: () => (closing ??= app.close()) };
}

function toMetadata(module: Type<unknown> | DynamicModule | ModuleMetadata): ModuleMetadata {
  return typeof module === 'function' || 'module' in module ? { imports: [module] } : module;
}
