import { Controller, type MessageEvent, Module, Query, Sse } from '@nestjs/common';
import { merge, type Observable } from 'rxjs';
import { channelName } from '../event/channels.js';
import { type Adapter, startNest } from './nest-app.js';
import { Subjects } from './subjects.js';

@Controller()
class EventsController {
  constructor(private readonly subjects: Subjects) {}

  @Sse('events')
  events(
    @Query('session') session: string,
    @Query('from') from: string,
    @Query('count') count: string,
  ): Observable<MessageEvent> {
    const streams = Array.from({ length: Number(count) }, (_, index) =>
      this.subjects.stream(channelName(session, Number(from) + index)),
    );
    return streams.length === 1 ? (streams[0] as Observable<MessageEvent>) : merge(...streams);
  }
}

@Module({ controllers: [EventsController], providers: [Subjects] })
class HandwrittenModule {}

/** `@Sse()`, ioredis and RxJS, as the articles on the subject have it. */
export function startHandwritten(redisUrl: string, adapter: Adapter): Promise<number> {
  process.env['REDIS_URL'] = redisUrl;
  return startNest({ module: HandwrittenModule }, adapter);
}
