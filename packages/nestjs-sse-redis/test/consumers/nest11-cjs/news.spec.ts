import 'reflect-metadata';
import { Test } from '@nestjs/testing';
import { InvalidOptionsError, SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { NewsController } from './app.module';

// Nothing listens there: a connection would fail the start.
const redis = 'redis://127.0.0.1:1';

it('publishes on a hub of the test, and connects to nothing', async () => {
  const published: unknown[] = [];
  const hub = { publish: async (...event: unknown[]) => (published.push(event), { id: '1-0' }) };
  const module = await Test.createTestingModule({
    imports: [SseRedisModule.forRoot({ redis, connectTimeout: 200 })],
    controllers: [NewsController],
  })
    .overrideProvider(SseHub)
    .useValue(hub)
    .compile();
  await module.init();
  await module.get(NewsController).post({ headline: 'one' });
  await module.close();
  expect(published).toEqual([['news', { type: 'article', data: { headline: 'one' } }]]);
});

it('refuses a cluster with ioredis 5, and names the version that it needs', async () => {
  const modules = Test.createTestingModule({
    imports: [SseRedisModule.forRoot({ redis: 'redis+cluster://127.0.0.1:1', connectTimeout: 200 })],
  });
  const failure = await modules.compile().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(InvalidOptionsError);
  expect((failure as Error).message).toMatch(/needs ioredis 6/);
});
