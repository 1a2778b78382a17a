export * from '../channels/index.js';
export { createPublisher, type SsePublisher } from './sse-publisher.js';
export type { PublisherOptions } from './publisher-options.js';
export type {
  ChannelEventInput,
  Published,
  OptionsArgument,
  PublishOptions,
  PublishOptionsOf,
  PublishResult,
  RemoveOptions,
} from '../publish/publish.types.js';
export type { RedisCredentials, RedisCredentialsFunction } from '../options/redis-credentials.interface.js';
export type { SerializeContext, SerializeFunction } from '../options/serialize-function.interface.js';
export type { SseEventInput } from '../event/sse-event.js';
export * from '../errors/index.js';
