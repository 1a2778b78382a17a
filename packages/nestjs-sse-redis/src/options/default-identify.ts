import { Logger } from '../util/logger.js';
import type { UserId } from './user-id.js';

/** Where the recipes of Nest's documentation (Passport, JWT) and other libraries put the id of a user. */
const OTHER_NAMES = ['userId', 'sub', '_id', 'uid', 'uuid'];

/**
 * Returns the `identify` of applications that set none: `request.user.id`.
 *
 * A guard that names the id otherwise would leave every client without a user, and a channel `user:undefined` for all of
 * them. So the first such request is reported, once. A guard that says `{ id: null }` means nobody.
 */
export function createDefaultIdentify(): (request: unknown) => UserId {
  let isReported = false;
  return (request) => {
    const user = (request as { user?: unknown } | undefined)?.user;
    if (typeof user !== 'object' || user === null) return undefined;
    const { id } = user as { id?: UserId };
    if (isMissing(id) && !isReported) {
      // No other field is read: the getter of an entity may ask its database.
      const other = OTHER_NAMES.find((name) => !isMissing((user as Record<string, unknown>)[name]));
      if (id === null && other === undefined) return id;
      isReported = true;
      new Logger('SseHub').warn(
        describe(Object.keys(user), other ?? OTHER_NAMES.find((name) => name in user)),
      );
    }
    return id;
  };
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null;
}

function describe(all: readonly string[], name = 'sub'): string {
  const fields = all.filter((field) => field !== 'id');
  return `request.user has no id (it has ${fields.join(', ') || 'nothing'}), so streams are nobody's. Set the identify option of SseRedisModule, such as identify: (request) => request.user?.${name} (userId with Nest's Passport recipe, sub with that of @nestjs/jwt).`;
}
