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
const HIDDEN = '…';
const SHORT = 4;

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
    ? awaitResult(result as Promise<SchemaResult>, data, place)
    : toEvent(result as SchemaResult, data, place);
}

async function awaitResult(
  promise: Promise<SchemaResult>,
  data: unknown,
  place: EventPlace,
): Promise<SseEventInput> {
  let result: SchemaResult | undefined;
  try {
    result = await withinTime(promise, place.timeout);
  } catch (cause) {
    throw schemaFailed(place, cause);
  }
  if (result) return toEvent(result, data, place);
  throw new InvalidEventError(
    `The schema of ${describe(place)} did not answer within publishTimeout (${place.timeout} ms). Nothing was sent.`,
  );
}

function toEvent(result: SchemaResult, data: unknown, place: EventPlace): SseEventInput {
  if (!result.issues) return { type: place.type, data: result.value };
  const issues = result.issues.map((issue) => toDataIssue(issue, data));
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

function toDataIssue({ message, path = [] }: SchemaIssue, data: unknown): EventDataIssue {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  const value = keys.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)?.[key], data);
  return { path: keys.map(String).join('.'), message: withoutValue(message, value) };
}

/** Some libraries show the value that they refuse: `received "…"`. It may be a secret, and the message reaches clients and logs. */
function withoutValue(message: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint')
    return message
      .split(/(-?\d[\d.e+-]*)/)
      .map((part) => (part === String(value) ? HIDDEN : part))
      .join('');
  if (typeof value !== 'string' || value === '') return message;
  const quoted = message
    .replaceAll(JSON.stringify(value), `"${HIDDEN}"`)
    .replaceAll(`'${value}'`, `'${HIDDEN}'`);
  // A short one may be a part of any word.
  return value.length < SHORT ? quoted : quoted.replaceAll(value, HIDDEN);
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
