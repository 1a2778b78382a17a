import { SseRedisError } from './sse-redis.error.js';

/**
 * The event is in its log and announced, but fewer replicas have it than were asked for: a failover may lose it. Publishing it
 * again with the same `idempotencyKey` asks the replicas again, and stores nothing twice.
 */
export class NotReplicatedError extends SseRedisError {
  static override readonly status = 503;
  override readonly name: string = 'NotReplicatedError';
  readonly code = 'NOT_REPLICATED';

  /**
   * @param id of the event
   * @param replicas how many have it
   * @param options `cause`: why Redis did not say
   */
  constructor(
    message: string,
    readonly id: string,
    readonly replicas: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
