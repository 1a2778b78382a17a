import { SseRedisError } from './sse-redis.error.js';

/** A connection asked for more channels than `limits.channelsPerConnection`. */
export class TooManyChannelsError extends SseRedisError {
  readonly code = 'TOO_MANY_CHANNELS';
  override readonly statusCode = 400;
}
