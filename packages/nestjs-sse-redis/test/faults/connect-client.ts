import type { FaultClient } from './fault-client.js';
import { ProductClient } from './product-client.js';
import { WatchedClient } from './watched-client.js';

/** `raw`: reads the stream by the text of the standard. `client`: `nestjs-sse-redis-client`. `forgetful`: that without its position. */
export type FaultClientKind = 'raw' | 'client' | 'forgetful';

/** `FAULT_CLIENT=client` chooses the client of pages in place of the raw one. */
export const CHOSEN_CLIENT: FaultClientKind = process.env['FAULT_CLIENT'] === 'client' ? 'client' : 'raw';

/** @param pickUrl of the node to connect to, asked each time */
export function connectClient(
  kind: FaultClientKind,
  name: string,
  channels: readonly string[],
  pickUrl: () => string,
): FaultClient {
  if (kind === 'raw') return new WatchedClient(name, channels, pickUrl);
  return new ProductClient(name, channels, pickUrl, kind === 'forgetful');
}
