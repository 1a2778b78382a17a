import { RedisServer, startApp, type RunningApp } from '@nestjs-sse-redis/testing';
import {
  Controller,
  Injectable,
  Module,
  Sse,
  type DynamicModule,
  type LoggerService,
  type ModuleMetadata,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SseClient, SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';

/** The Redis of a spec. */
export let redis: RedisServer;
export const closing: (() => unknown)[] = [];

/** To be called once in a spec. */
export function useRedis(): void {
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
    await redis.cli('FLUSHALL');
  });
  afterAll(() => redis.stop());
}

@Injectable()
export class Newsroom {
  constructor(readonly hub: SseHub) {}
}

@Controller()
export class NewsController {
  constructor(private readonly hub: SseHub) {}

  @Sse('news')
  news(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }
}

/** A module of an application that uses the hub, as it was imported. */
export function feature(...imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
  @Module({})
  class Feature {}
  return { module: Feature, imports, providers: [Newsroom], exports: [Newsroom] };
}

export async function start(
  module: ModuleMetadata,
  options: Parameters<typeof startApp>[2] & { adapter?: 'express' | 'fastify' } = {},
): Promise<RunningApp> {
  const running = await startApp(module, options.adapter ?? 'express', options);
  closing.push(() => running.close());
  return running;
}

export async function startHub(options: SseRedisOptions): Promise<SseHub> {
  return (await start({ imports: [SseRedisModule.forRoot(options)] })).app.get(SseHub);
}

/** The keys that Redis has after the hub has proved that it works. */
export async function keysOf(hub: SseHub, db = 0): Promise<string[]> {
  const { id } = await hub.publish('here', { data: 'x' });
  expect(await hub.history('here')).toMatchObject({ events: [{ id, data: 'x' }] });
  const client = redis.client({ db });
  const keys = await client.keys('*');
  await client.quit();
  return keys.sort();
}

/** The keys of a hub with one channel, `here`. */
export function keysUnder(prefix: string): string[] {
  return ['clock', 'log:here', 'reg2:node-info', 'reg2:nodes'].map((key) => `${prefix}:${key}`);
}

/** The connections that Redis has, besides the one that asks. */
export async function connections(): Promise<string[]> {
  const list = (await redis.cli('CLIENT', 'LIST')) as string;
  return list
    .trim()
    .split('\n')
    .map((line) => /^id=(\d+)/.exec(line)![1]!);
}

/** Why an application does not start. */
export async function failureToStart(options: SseRedisOptions, logger?: LoggerService): Promise<Error> {
  const module = await Test.createTestingModule({ imports: [SseRedisModule.forRoot(options)] }).compile();
  const app = module.createNestApplication({ logger: logger ?? false });
  closing.push(() => app.close());
  return app.init().then(
    () => new Error('it started'),
    (error: Error) => error,
  );
}
