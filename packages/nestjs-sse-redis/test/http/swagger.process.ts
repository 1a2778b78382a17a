import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { SwaggerModule } from '@nestjs/swagger';
import { createAdapter, type AdapterName } from '@nestjs-sse-redis/testing';
import { announceReady } from '@nestjs-sse-redis/testing/child';
import type { AddressInfo } from 'node:net';
import { createDocument, shopModule } from './swagger.app.js';

// As in the `main.ts` of an application, outside of Jest, which cannot load what `@fastify/static` requires.
const adapter = createAdapter(process.argv[2] as AdapterName);
const app = await NestFactory.create(shopModule(), adapter, { logger: ['error'] });
SwaggerModule.setup('api', app, createDocument(app));
await app.listen(0, '127.0.0.1');
announceReady((app.getHttpServer().address() as AddressInfo).port);
