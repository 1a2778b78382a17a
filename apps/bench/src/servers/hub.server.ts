import { Controller, Module, Query, Sse } from '@nestjs/common';
import { SseClient, SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';
import { channelName } from '../event/channels.js';
import { type Adapter, startNest } from './nest-app.js';

@Controller()
class EventsController {
  constructor(private readonly hub: SseHub) {}

  @Sse('events')
  events(
    @SseClient() client: SseClient,
    @Query('session') session: string,
    @Query('from') from: string,
    @Query('count') count: string,
  ) {
    const channels = Array.from({ length: Number(count) }, (_, index) =>
      channelName(session, Number(from) + index),
    );
    return this.hub.connect(client, channels);
  }
}

@Module({ controllers: [EventsController] })
class HubModule {}

/** This package, as its README shows it, with its defaults. */
export function startHub(redisUrl: string, adapter: Adapter, options: SseRedisOptions = {}): Promise<number> {
  const imports = [SseRedisModule.forRoot({ redis: redisUrl, ...options })];
  return startNest({ module: HubModule, imports }, adapter);
}
