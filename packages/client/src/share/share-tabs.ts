import type { StreamOptions } from '../stream/channel-changes.js';
import type { EventStream } from '../stream/event-stream.interface.js';
import { createModuleWorker } from './module-worker.js';
import type { ShareOptions } from './share-options.js';
import { SharedStream } from './shared-stream.js';

/**
 * Makes all tabs of a browser share one stream.
 *
 * @param share the options. `key` tells users apart
 * @returns for the option `share` of `createClient()`
 * @throws InvalidShareOptionsError by `createClient()`
 * @example
 * ```ts
 * import { createClient } from 'nestjs-sse-redis-client';
 * import { shareTabs } from 'nestjs-sse-redis-client/share';
 *
 * const client = createClient({ url: '/events', share: shareTabs({ key: user.id }) });
 * ```
 */
export function shareTabs(share: ShareOptions): (create: unknown, options: StreamOptions) => EventStream {
  return (_, options) => new SharedStream(options, share, createModuleWorker);
}
