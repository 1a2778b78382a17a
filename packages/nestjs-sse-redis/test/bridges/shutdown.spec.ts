import { startApp, until, useRedis } from '@nestjs-sse-redis/testing';
import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject, type INestApplication } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { Queue } from 'bullmq';
import { PublishTo, SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { LastShutdownModule } from '../../src/platform/last-shutdown.js';

const redis = useRedis();

/** What becomes of a job that goes on while its application closes. */
async function closeDuringJob(
  order: 'hub first' | 'queue first',
  configure?: (app: INestApplication) => void,
) {
  const signals = new EventEmitter();
  const begun = once(signals, 'begun');

  @Processor('reports')
  class Reports extends WorkerHost {
    constructor(@Inject(SseHub) private readonly hub: SseHub) {
      super();
    }

    @PublishTo('reports')
    async process() {
      signals.emit('begun');
      // It goes on in the midst of the shutdown: when the worker waits for it, or the hub is closed already.
      await until(() => this.hub.isClosed || this.worker.closing !== undefined);
      return 'written';
    }
  }

  const [queuePrefix, prefix] = [randomUUID(), randomUUID()];
  const connection = { host: '127.0.0.1', port: redis.port };
  const hub = SseRedisModule.forRoot({ redis: redis.url, prefix });
  const queue = [
    BullModule.forRoot({ connection, prefix: queuePrefix }),
    BullModule.registerQueue({ name: 'reports' }),
  ];
  const imports = order === 'hub first' ? [hub, ...queue] : [...queue, hub];
  const { app, close } = await startApp({ imports, providers: [Reports] }, 'express', {
    application: { logger: false },
    ...(configure && { configure }),
  });
  const { id } = await app.get<Queue>(getQueueToken('reports')).add('report', {});
  await begun;
  await close();
  const fields = await redis.cli('HMGET', `${queuePrefix}:reports:${id}`, 'returnvalue', 'failedReason');
  const published = await redis.cli('XLEN', `{${prefix}}:log:reports`);
  return { fields, published };
}

it.each(['hub first', 'queue first'] as const)(
  'publishes what a job returns that ends while the application closes, with the imports of the %s',
  async (order) => {
    expect(await closeDuringJob(order)).toEqual({ fields: ['"written"', null], published: 1 });
  },
);

it('fails the job where the hub does not close last (negative control)', async () => {
  const { fields, published } = await closeDuringJob('queue first', (app) => {
    for (const module of app.get(ModulesContainer).values())
      if (module.metatype === LastShutdownModule) module.distance = 0;
  });
  expect(fields).toEqual([null, 'The hub is closed, as the application is.']);
  expect(published).toBe(0);
});
