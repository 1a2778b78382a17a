import 'reflect-metadata';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { AddressInfo } from 'node:net';

export type Adapter = 'express' | 'fastify';

export async function startNest(module: DynamicModule, adapter: Adapter): Promise<number> {
  const app: INestApplication = await NestFactory.create(module, await createAdapter(adapter), {
    logger: ['error', 'warn'],
  });
  await app.listen(0, '127.0.0.1');
  return (app.getHttpServer() as { address(): AddressInfo }).address().port;
}

/** Loads the one that is used only: the other would be memory that the server does not need. */
async function createAdapter(adapter: Adapter): Promise<AbstractHttpAdapter> {
  if (adapter === 'express') return new (await import('@nestjs/platform-express')).ExpressAdapter();
  return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
}
