// Requests without a connection, in a process of their own: Jest does not load what Fastify's `inject()` requires, an ES module.
import 'reflect-metadata';
import { Controller, Module, Sse } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { announceReady, serveRequests } from '@nestjs-sse-redis/testing/child';
import { SseClient, SseHub, SseRedisModule } from 'nestjs-sse-redis';

export type InjectRequest =
  | { readonly kind: 'publish'; readonly data: string; readonly times: number }
  | { readonly kind: 'abort' | 'state' };

export interface InjectState {
  /** The ids of what was published. */
  readonly published: readonly string[];
  /** What the client has read. */
  readonly text: string;
  readonly connections: number;
}

@Controller()
class NewsController {
  constructor(private readonly hub: SseHub) {}

  @Sse('news')
  news(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }
}

@Module({ imports: [SseRedisModule.forRoot()], controllers: [NewsController] })
class AppModule {}

const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), {
  logger: ['error'],
});
await app.init();
const hub = app.get(SseHub);
const leaving = new AbortController();
const response = await app.inject({ url: '/news', payloadAsStream: true, signal: leaving.signal });
const published: string[] = [];
let text = '';
response
  .stream()
  .on('data', (chunk: Buffer) => (text += chunk.toString()))
  .on('error', () => undefined);

async function answer(request: InjectRequest): Promise<InjectState> {
  if (request.kind === 'abort') leaving.abort();
  if (request.kind === 'publish') {
    const { data, times } = request;
    const events = Array.from({ length: times }, () => ({ channel: 'news', data }));
    for (const result of await hub.publishMany(events)) if ('id' in result) published.push(result.id);
  }
  return { published, text, connections: hub.stats().connections };
}

serveRequests((payload) => answer(payload as InjectRequest));
announceReady(0);
