import type { LogLevel } from '@nestjs/common';
import { serveApp } from '@nestjs-sse-redis/testing/serve-app';
import { SseHub, type SseRedisOptions } from 'nestjs-sse-redis';
import { newsModule } from './news.app.js';

/** Runs the news application as one node of a deployment: its adapter and its options come in the arguments. */
export async function startNewsNode(logger: LogLevel[]): Promise<SseHub> {
  const [, , adapter, options] = process.argv;
  const app = await serveApp(newsModule(JSON.parse(options!) as SseRedisOptions), { adapter, logger });
  return app.get(SseHub);
}
