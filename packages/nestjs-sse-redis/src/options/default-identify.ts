import { Logger } from '../util/logger.js';
import type { UserId } from './user-id.js';

/** Where the recipes of Nest's documentation (Passport, JWT) and other libraries put the id of a user. */
const OTHER_NAMES = ['userId', 'sub', '_id', 'uid', 'uuid'];

/**
 * Returns the `identify` of applications that set none: `request.user.id`.
 *
 * A guard that names the id otherwise would leave every client without a user, and a channel `user:undefined` for all of
 * them. So the first such request is reported, once.
 */
export function createDefaultIdentify(): (request: unknown) => UserId {
  let isReported = false;
  return (request) => {
    const user = (request as { user?: unknown } | undefined)?.user;
    if (typeof user !== 'object' || user === null) return undefined;
    const { id } = user as { id?: UserId };
    if ((id === undefined || id === null) && !isReported) {
      isReported = true;
      new Logger('SseHub').warn(describe(Object.keys(user)));
    }
    return id;
  };
}

function describe(fields: readonly string[]): string {
  const name = OTHER_NAMES.find((other) => fields.includes(other)) ?? 'sub';
  return `request.user has no id (it has ${fields.join(', ') || 'nothing'}), so streams are nobody's. Set the identify option of SseRedisModule, such as identify: (request) => request.user?.${name} (userId with Nest's Passport recipe, sub with that of @nestjs/jwt).`;
}
