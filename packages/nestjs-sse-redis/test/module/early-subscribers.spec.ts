import { startApp, until, useRedis } from '@nestjs-sse-redis/testing';
import { Inject, Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SseHub, SseRedisModule, SseRegistry } from 'nestjs-sse-redis';
import { randomUUID } from 'node:crypto';

const redis = useRedis();

/** As an application writes it from the README: subscriptions in a constructor, without an error handler. */
@Injectable()
class EarlyService {
  readonly events: unknown[] = [];
  readonly changes: unknown[] = [];
  readonly ends: string[] = [];

  constructor(@Inject(SseHub) hub: SseHub, @Inject(SseRegistry) registry: SseRegistry) {
    hub
      .events('news')
      .subscribe({ next: ({ data }) => this.events.push(data), complete: () => this.ends.push('events') });
    registry.changes.subscribe({
      next: (change) => this.changes.push(change),
      complete: () => this.ends.push('changes'),
    });
  }
}

const setUps = [
  { broker: 'redis', options: () => ({ redis: redis.url, prefix: randomUUID() }) },
  { broker: 'embedded', options: () => ({}) },
];

it.each(setUps)(
  'hub.events() and registry.changes of a constructor begin with the start ($broker)',
  async ({ options }) => {
    const { app, url, close } = await startApp(
      { module: class {}, imports: [SseRedisModule.forRoot(options())], providers: [EarlyService] },
      'express',
    );
    const service = app.get(EarlyService);
    const hub = app.get(SseHub);
    await until(async () => {
      await hub.publish('news', { data: 'hello' });
      return service.events.includes('hello');
    });
    expect(url).toMatch(/^http/);
    await close();
    expect(service.ends.toSorted()).toEqual(['changes', 'events']);
  },
);

it('hub.events() of a constructor completes where the application never starts', async () => {
  const app = await NestFactory.create(
    { module: class {}, imports: [SseRedisModule.forRoot()], providers: [EarlyService] },
    { logger: false },
  );
  const service = app.get(EarlyService);
  await app.close();
  await until(() => service.ends.length === 2);
});
