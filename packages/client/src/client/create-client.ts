import { InvalidClientOptionsError } from '../connection/invalid-client-options.error.js';
import { LocalStream } from '../stream/local-stream.js';
import { SseClient, type ClientOptions } from './sse-client.js';

/**
 * Connects to a stream of nestjs-sse-redis.
 *
 * @throws InvalidClientOptionsError naming the option
 * @example
 * ```ts
 * const client = createClient({ url: '/events', token: () => session.getToken() });
 * client.channel(orders({ id: 7 })).on('paid', ({ amount }) => show(amount));
 * client.onState(({ status }) => badge(status));
 * ```
 */
export function createClient(options: ClientOptions): SseClient {
  const { share, parse } = options;
  if (share !== undefined && typeof share !== 'function')
    throw new InvalidClientOptionsError('share', 'a provider, such as shareTabs()', share);
  if (parse !== undefined && typeof parse !== 'function')
    throw new InvalidClientOptionsError('parse', 'a function', parse);
  const create = () => new LocalStream(options);
  return new SseClient(share ? share(create, options) : create(), options);
}
