import { SseRedisModule } from 'nestjs-sse-redis';
import { announceReady } from '@nestjs-sse-redis/testing/child';

announceReady(SseRedisModule.name.length);
