// Nest keeps what its decorators say under these keys.
import { HTTP_CODE_METADATA, REDIRECT_METADATA } from '@nestjs/common/constants.js';
import type { StreamRoute } from './stream-routes.js';

/**
 * Returns what keeps clients from the stream of a route, as the end of a sentence; undefined where nothing does.
 *
 * Any status but 200 ends an `EventSource` for good (WHATWG HTML 9.2.3, "fail the connection").
 */
export function describeOtherAnswer({ handler }: StreamRoute): string | undefined {
  if (Reflect.hasMetadata(REDIRECT_METADATA, handler))
    return 'has @Redirect(), with which Nest answers in the place of the stream. Remove it.';
  const status = Reflect.getMetadata(HTTP_CODE_METADATA, handler) as number | undefined;
  return status === undefined || status === 200
    ? undefined
    : `has @HttpCode(${status}): an EventSource takes a stream of status 200 alone. Remove it.`;
}
