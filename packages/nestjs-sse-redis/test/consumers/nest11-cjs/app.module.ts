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
import {
  defineChannel,
  SseChannels,
  SseClient,
  SseConnectionsController,
  SseHub,
  SseRedisModule,
  type StandardSchema,
} from 'nestjs-sse-redis';

/** What a schema library would make. */
const article: StandardSchema<{ headline: string }> = {
  '~standard': {
    version: 1,
    vendor: 'application',
    validate: (value) => {
      const { headline } = value as { headline: unknown };
      return typeof headline === 'string'
        ? { value: { headline } }
        : { issues: [{ message: 'no headline', path: ['headline'] }] };
    },
  },
};
const news = defineChannel('news', { events: { article } });

class WatchingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle();
  }
}

@Controller('news')
export class NewsController {
  constructor(private readonly hub: SseHub) {}

  @Sse()
  news(@SseClient() client: SseClient) {
    return this.hub.connect(client, ['news']);
  }

  @Sse('watched')
  @UseInterceptors(WatchingInterceptor)
  @SseChannels('news')
  watched(): void {}

  @Sse('of/:place')
  @SseChannels(({ params }) => `news:${params.place}`)
  place(): void {}

  @Post()
  post(@Body() data: { headline: string }) {
    return this.hub.publish('news', { type: 'article', data });
  }
}

@Module({
  imports: [
    SseRedisModule.forRoot({ redis: process.env.REDIS_URL || 'embedded' }),
    SseRedisModule.forFeature([news]),
  ],
  controllers: [NewsController, SseConnectionsController],
})
export class AppModule {}
