import { SseRedisError } from './sse-redis.error.js';

/**
 * `hub.connect()` was called a second time for one response, or its Observable was subscribed to a second time.
 *
 * A response has one position, which two connections would move in turn.
 */
export class AlreadyConnectedError extends SseRedisError {
  override readonly name: string = 'AlreadyConnectedError';
  readonly code = 'ALREADY_CONNECTED';

  constructor() {
    super(
      'This response has a stream of the hub already. Name all channels in one call, hub.connect(client, [first, second]), and subscribe to what it returns once.',
    );
  }
}
