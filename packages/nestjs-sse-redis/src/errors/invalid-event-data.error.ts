import { SseRedisError } from './sse-redis.error.js';

/** A fault of the data of an event. */
export interface EventDataIssue {
  /** Where it is: `items.0.price`. Empty for the data as a whole. */
  readonly path: string;
  /** The schema's words. */
  readonly message: string;
}

/** The data of an event does not fit the schema that its channel's definition has. Nothing was sent. */
export class InvalidEventDataError extends SseRedisError {
  static override readonly status = 400;
  override readonly name: string = 'InvalidEventDataError';
  readonly code = 'INVALID_EVENT_DATA';

  constructor(
    message: string,
    readonly issues: readonly EventDataIssue[],
  ) {
    super(message);
  }
}
