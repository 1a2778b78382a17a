// Compiled only: types of subpaths under node10 resolution, which TypeScript 5 uses for `module: commonjs`.
import { exposeMetrics } from 'nestjs-sse-redis/metrics';
import { SseHealthIndicator } from 'nestjs-sse-redis/health';
import { createPublisher, type SsePublisher } from 'nestjs-sse-redis/publisher';

export const subpaths = [exposeMetrics.length, SseHealthIndicator.name];

export const publisher: SsePublisher = createPublisher({ redis: 'redis://localhost' });
