import type { StreamOptions } from '../stream/channel-changes.js';
import type { EventStream } from '../stream/event-stream.interface.js';
import { createInlinedWorker } from './inlined-worker.js';
import type { ShareOptions } from './share-options.js';
import { SharedStream } from './shared-stream.js';

export { InvalidShareOptionsError } from './invalid-share-options.error.js';
export { logOut } from './log-out.js';
export type { ShareOptions, ShareRole } from './share-options.js';
export { SharedStream } from './shared-stream.js';
export type { CreateWorker } from './worker-link.js';

/**
 * As `shareTabs()` of `nestjs-sse-redis-client/share`, with the worker's script inside of the bundle: for bundlers that do not look for
 * workers, and for pages that are one script. A Content-Security-Policy has to allow `blob:` in `worker-src`; otherwise a tab has the
 * stream.
 *
 * @param share the options. `worker` takes precedence over the worker of this entry
 * @returns for the option `share` of `createClient()`
 * @throws InvalidShareOptionsError by `createClient()`
 * @example
 * ```ts
 * import { createClient } from 'nestjs-sse-redis-client';
 * import { shareTabs } from 'nestjs-sse-redis-client/share/inlined';
 *
 * const client = createClient({ url: '/events', share: shareTabs({ key: user.id }) });
 * ```
 */
export function shareTabs(share: ShareOptions): (create: unknown, options: StreamOptions) => EventStream {
  return (_, options) => new SharedStream(options, share, createInlinedWorker);
}
