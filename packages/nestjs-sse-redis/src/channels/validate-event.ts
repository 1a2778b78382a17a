import { Logger } from '../util/logger.js';
import { InvalidEventDataError, type EventDataIssue } from '../errors/invalid-event-data.error.js';
import { InvalidEventError } from '../errors/invalid-event.error.js';
import { SseRedisError } from '../errors/sse-redis.error.js';
import type { SseEventInput } from '../event/sse-event.js';
import { stackOf } from '../util/stack-of.js';
import { withinTime } from '../util/within-time.js';
import type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.js';

const logger = new Logger('SseHub');

/** A message that names them all would be as long as the data. */
const MAX_ISSUES = 10;
const MAX_WORDS = 200;

/** The event whose data is validated. */
export interface EventPlace {
  readonly channel: string;
  readonly type: string;
  /** ms that an asynchronous schema may take. */
  readonly timeout: number;
}

/**
 * Has a schema validate the data of an event.
 *
 * @returns the event with the schema's output; a Promise where the schema is asynchronous
 * @throws InvalidEventDataError naming each path; it never shows the data
 * @throws InvalidEventError if the schema throws, its error is in `cause`; or does not answer in time
 */
export function validateEvent(
  schema: StandardSchema,
  data: unknown,
  place: EventPlace,
): SseEventInput | Promise<SseEventInput> {
  let result: SchemaResult | Promise<SchemaResult>;
  let isAsync: boolean;
  try {
    result = schema['~standard'].validate(data);
    isAsync = 'then' in result;
  } catch (cause) {
    throw schemaFailed(place, cause);
  }
  return isAsync
    ? awaitResult(result as Promise<SchemaResult>, place)
    : toEvent(result as SchemaResult, place);
}

async function awaitResult(promise: Promise<SchemaResult>, place: EventPlace): Promise<SseEventInput> {
  let result: SchemaResult | undefined;
  try {
    result = await withinTime(promise, place.timeout);
  } catch (cause) {
    throw schemaFailed(place, cause);
  }
  if (result) return toEvent(result, place);
  throw new InvalidEventError(
    `The schema of ${describe(place)} did not answer within publishTimeout (${place.timeout} ms). Nothing was sent.`,
  );
}

function toEvent(result: SchemaResult, place: EventPlace): SseEventInput {
  if (!result.issues) return { type: place.type, data: result.value };
  const issues = result.issues.map(toDataIssue);
  const shown = issues.slice(0, MAX_ISSUES).map(({ path, message }) => {
    const words = message.length > MAX_WORDS ? `${message.slice(0, MAX_WORDS)}…` : message;
    return path === '' ? words : `${path}: ${words}`;
  });
  if (issues.length > MAX_ISSUES) shown.push(`and ${issues.length - MAX_ISSUES} more`);
  throw new InvalidEventDataError(
    `The data of ${describe(place)} does not fit its schema: ${shown.join('; ')}.`,
    issues,
  );
}

function toDataIssue({ message, path = [] }: SchemaIssue): EventDataIssue {
  const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
  return { path: keys.join('.'), message };
}

/** Nest sends the message of a 4xx to the client and logs nothing: the words of the application stay in `cause`, and in the log. */
function schemaFailed(place: EventPlace, cause: unknown): Error {
  if (cause instanceof SseRedisError) return cause;
  logger.error(`The schema of ${describe(place)} threw.`, stackOf(cause));
  return new InvalidEventError(`The schema of ${describe(place)} threw.`, { cause });
}

function describe({ channel, type }: EventPlace): string {
  return `the event ${JSON.stringify(type)} of the channel ${JSON.stringify(channel)}`;
}
