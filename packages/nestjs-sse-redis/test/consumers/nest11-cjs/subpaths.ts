// Compiled only: types of subpaths under node10 resolution, which TypeScript 5 uses for `module: commonjs`.
import { UiMessageRun } from 'nestjs-sse-redis/ai';
import { exposeMetrics } from 'nestjs-sse-redis/metrics';
import { SseHealthIndicator } from 'nestjs-sse-redis/health';

export const subpaths = [UiMessageRun.length, exposeMetrics.length, SseHealthIndicator.name];
