import { Module } from '@nestjs/common';
import { SseConnectionsController, SseRedisModule } from 'nestjs-sse-redis';
import { PREFIX } from '../prefix.js';
import { AskController } from './ask.controller.js';
import { ChatController } from './chat.controller.js';
import { ClusterController } from './cluster.controller.js';
import { EventsController } from './events.controller.js';
import { FloodController } from './flood.controller.js';
import { NewsController } from './news.controller.js';
import { PeopleController } from './people.controller.js';
import { PeopleTeller } from './people-teller.js';
import { ProcessesController } from './processes.controller.js';
import { SupervisorLink } from './supervisor-link.js';

@Module({
  imports: [
    SseRedisModule.forRoot({
      redis: process.env['REDIS_URL'] ?? 'embedded',
      prefix: PREFIX,
      // A tab may be cut off during some floods of a thousand and still get all of them.
      history: { maxLength: 5_000 },
      // Quick to come back, and quick to let go: somebody is watching.
      retry: 400,
      // Pages count a stream as dead after four seconds of silence.
      heartbeatInterval: 1_000,
      // Pages add channels to their streams. Nothing here is anybody's secret.
      authorize: () => true,
      drain: { timeout: 2_000 },
      registry: { leaseTtl: 3_000, sweepInterval: 1_000 },
    }),
  ],
  controllers: [
    EventsController,
    NewsController,
    ChatController,
    FloodController,
    AskController,
    SseConnectionsController,
    PeopleController,
    ProcessesController,
    // A cluster that the demo has not started itself is not the page's to fail over.
    ...(process.env['REDIS_CLUSTER'] ? [ClusterController] : []),
  ],
  providers: [SupervisorLink, PeopleTeller],
})
export class AppModule {}
