// Programs import it as `@nestjs-sse-redis/testing/serve-app`: it loads Nest, which not each of them needs, and one adapter.
import 'reflect-metadata';
import {
  Module,
  type DynamicModule,
  type INestApplication,
  type LogLevel,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import type { AddressInfo } from 'node:net';
import { announceReady } from './child.js';

export interface ServeAppOptions {
  /** Its name, as it comes in the arguments of the program, or a new one. Default: Express. */
  adapter?: string | AbstractHttpAdapter | undefined;
  /** What it logs. Default: errors. */
  logger?: LogLevel[];
  /** Default: a free one. */
  port?: number;
  /** Before the application listens. */
  configure?: (app: INestApplication) => void;
}

/** In a program that `AppProcess` runs: serves an application as a deployed process does, and announces its port. */
export async function serveApp(
  module: Type | DynamicModule | ModuleMetadata,
  { adapter, logger = ['error', 'fatal'], port = 0, configure }: ServeAppOptions = {},
): Promise<INestApplication> {
  const app = await NestFactory.create(toModule(module), await adapterOf(adapter), { logger });
  app.enableShutdownHooks();
  configure?.(app);
  await app.listen(port, '127.0.0.1');
  announceReady((app.getHttpServer().address() as AddressInfo).port);
  return app;
}

/** Has what it is given as metadata. */
@Module({})
class AppModule {}

function toModule(module: Type | DynamicModule | ModuleMetadata): Type | DynamicModule {
  if (typeof module === 'function' || 'module' in module) return module;
  return { module: AppModule, ...module };
}

/** Loads only the adapter that is used: processes are started by the dozen. */
async function adapterOf(adapter: string | AbstractHttpAdapter = 'express'): Promise<AbstractHttpAdapter> {
  if (typeof adapter !== 'string') return adapter;
  if (adapter === 'fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}
