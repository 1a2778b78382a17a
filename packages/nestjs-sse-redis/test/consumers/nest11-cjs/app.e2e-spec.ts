import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SSE_REDIS_OPTIONS } from 'nestjs-sse-redis';
import request from 'supertest';
import { AppModule } from './app.module';
import { checkStream } from './check-stream';

let app: INestApplication;

beforeAll(async () => {
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(SSE_REDIS_OPTIONS)
    .useValue({})
    .compile();
  app = module.createNestApplication();
  await app.listen(0, '127.0.0.1');
});

afterAll(() => app.close());

it('answers a request of supertest', async () => {
  const answer = await request(app.getHttpServer()).post('/news').send({ headline: 'zero' }).expect(201);
  expect(answer.body).toEqual({ id: expect.any(String) });
});

it('streams over the embedded broker', async () => {
  await checkStream(await app.getUrl());
});
