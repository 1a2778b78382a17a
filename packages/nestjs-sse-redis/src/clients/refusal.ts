import { DrainingError } from '../errors/draining.error.js';
import { ForbiddenChannelError } from '../errors/forbidden-channel.error.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import { SseRedisError } from '../errors/sse-redis.error.js';
import { TooManyConnectionsError } from '../errors/too-many-connections.error.js';
import type { CloseCause } from '../delivery/hub-counters.js';
import type { CloseOptions } from './client-connection.js';
import { jitter } from './retry-time.js';

/** A client that finds no room waits longer than others before it returns. */
const FULL_RETRY_FACTOR = 5;

/** How a connection that cannot be served ends. */
export interface Refusal {
  readonly cause: CloseCause;
  readonly farewell: CloseOptions;
  /** The error code, for the counter of refusals; undefined for a node that hands its clients over. */
  readonly code: string | undefined;
  /** Whether the error is a fault of the server, to be logged. */
  readonly isFault: boolean;
}

/**
 * The end of a connection that cannot be served. Its status is 200, or will be: any other would end an EventSource for good
 * (WHATWG HTML 9.2.3). So an event says why, and the stream ends.
 *
 * @param retry ms, the `retry` option
 */
export function toRefusal(error: unknown, retry: number): Refusal {
  const farewell = { retry: jitter(retry) };
  if (error instanceof DrainingError) return { cause: 'drained', farewell, code: undefined, isFault: false };
  const isKnown = error instanceof SseRedisError;
  const code = isKnown ? error.code : 'INTERNAL_ERROR';
  const isFault = !isKnown || error.statusCode === 500;
  if (error instanceof ForbiddenChannelError) {
    const { channels } = error;
    return { cause: 'forbidden', farewell: { code, details: { channels }, retry: undefined }, code, isFault };
  }
  if (error instanceof TooManyConnectionsError) {
    return { cause: 'refused', farewell: { code, retry: jitter(retry * FULL_RETRY_FACTOR) }, code, isFault };
  }
  const cause = error instanceof RedisUnavailableError ? 'redis-unavailable' : 'failed';
  return { cause, farewell: { ...farewell, code }, code, isFault };
}
