export { SseRedisModule } from './sse-redis.module.js';
export type {
  SseRedisOptions,
  SseRedisOptionsFactory,
  UserId,
} from './options/sse-redis-options.interface.js';
export { SseHub, type HubStats } from './hub/sse-hub.js';
export type {
  ChannelEventInput,
  ConnectOptions,
  EventsOptions,
  HistoryOptions,
  HistoryPage,
  Published,
  PublishOptions,
  PublishResult,
} from './hub/hub-options.js';
export type { PipeItem, PipeSource } from './hub/pipe-source.js';
export type { SseEvent, SseEventInput } from './event/sse-event.js';
export { SseClient } from './http/sse-client.decorator.js';
export { SseChannels } from './http/sse-channels.decorator.js';
export type { ChannelsOfRequest } from './http/channels-of-request.js';
export * from './errors/index.js';
