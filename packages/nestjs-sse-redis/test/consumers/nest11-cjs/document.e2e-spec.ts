import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import request from 'supertest';
import { AppModule } from './app.module';

let app: INestApplication;

beforeAll(async () => {
  app = await NestFactory.create(AppModule, { logger: false });
  SwaggerModule.setup('api', app, SwaggerModule.createDocument(app, new DocumentBuilder().build()));
  await app.listen(0, '127.0.0.1');
});

afterAll(() => app.close());

it('documents the streams with @nestjs/swagger 11', async () => {
  const { body } = await request(app.getHttpServer()).get('/api-json').expect(200);
  for (const path of ['/news', '/news/watched', '/news/of/{place}'])
    expect(Object.keys(body.paths[path].get.responses['200'].content)).toEqual(['text/event-stream']);
  expect(body.paths['/news/of/{place}'].get.parameters.map(({ name }: { name: string }) => name)).toEqual([
    'place',
    'Last-Event-ID',
    'lastEventId',
    'Prefer',
  ]);
  const { requestBody } = body.paths['/sse/connections/{id}/channels'].post;
  expect(requestBody.content['application/json'].schema.required).toEqual(['secret']);
});
