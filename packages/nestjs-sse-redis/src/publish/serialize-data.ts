import { Logger } from '../util/logger.js';
import { InvalidEventError } from '../errors/invalid-event.error.js';
import type { SerializeFunction } from '../options/serialize-function.interface.js';
import { stackOf } from '../util/stack-of.js';

const logger = new Logger('SseHub');

/**
 * Calls the application's `serialize` option.
 *
 * @param channel undefined for an event that goes to one connection
 * @throws InvalidEventError if the option throws (its error is in `cause`) or returns a Promise
 */
export function serializeData(
  serialize: SerializeFunction,
  data: unknown,
  channel: string | undefined,
): unknown {
  let result: unknown;
  try {
    result = serialize(data, { channel });
  } catch (cause) {
    // Nest sends the message of a 4xx to the client and logs nothing. The words of the application stay in `cause`, and in the log.
    logger.error(`The serialize option threw for an event of ${describePlace(channel)}.`, stackOf(cause));
    throw new InvalidEventError(`The serialize option threw for an event of ${describePlace(channel)}.`, {
      cause,
    });
  }
  if (!isThenable(result)) return result;
  // Nobody else awaits this Promise: its rejection would end the process.
  void Promise.resolve(result).catch(() => undefined);
  throw new InvalidEventError(
    `The serialize option must be synchronous, it returned a Promise for an event of ${describePlace(channel)}. Await the data before you publish it.`,
  );
}

function describePlace(channel: string | undefined): string {
  return channel === undefined ? 'sendTo' : `the channel ${JSON.stringify(channel)}`;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
