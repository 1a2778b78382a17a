import 'reflect-metadata';
import {
  Body,
  Controller,
  Module,
  Post,
  Sse,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SseChannels, SseClient, SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { checkStream } from './check-stream.js';

class WatchingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle();
  }
}

@Controller('news')
class NewsController {
  constructor(private readonly hub: SseHub) {}

  @Sse()
  news(@SseClient() client: SseClient) {
    return this.hub.connect(client, ['news']);
  }

  @Sse('watched')
  @UseInterceptors(WatchingInterceptor)
  @SseChannels('news')
  watched(): void {}

  @Post()
  post(@Body() data: { headline: string }) {
    return this.hub.publish('news', { type: 'article', data });
  }
}

@Module({
  imports: [SseRedisModule.forRoot({ redis: process.env.REDIS_URL || undefined })],
  controllers: [NewsController],
})
class AppModule {}

const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter());
await app.listen(0, '127.0.0.1');
await checkStream(await app.getUrl());
await app.close();
console.log('whole');
