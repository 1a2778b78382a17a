// Compiled only: types of subpaths under node10 resolution, which TypeScript 5 uses for `module: commonjs`.
import { UiMessageRun } from 'nestjs-sse-redis/ai';
import { exposeMetrics } from 'nestjs-sse-redis/metrics';
import { SseHealthIndicator } from 'nestjs-sse-redis/health';
import { defineChannel } from 'nestjs-sse-redis/channels';
import { createPublisher, type SsePublisher } from 'nestjs-sse-redis/publisher';

export const subpaths = [UiMessageRun.length, exposeMetrics.length, SseHealthIndicator.name];

export const orders = defineChannel('order:{id}');

export const publisher: SsePublisher = createPublisher({ redis: 'redis://localhost', channels: [orders] });
