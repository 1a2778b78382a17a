import { SseRedisError } from './sse-redis.error.js';

/** A connection asked for more channels than `limits.channelsPerConnection`. */
export class TooManyChannelsError extends SseRedisError {
  static override readonly status = 400;
  override readonly name: string = 'TooManyChannelsError';
  readonly code = 'TOO_MANY_CHANNELS';
}
