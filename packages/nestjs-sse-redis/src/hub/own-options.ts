import type { ResolvedOptions } from '../options/resolved-options.js';
import { SseHub } from './sse-hub.js';

/** The options of a hub of this package; undefined of what a test has put in its place, a stub of the class too. */
export function getOwnOptions(hub: SseHub): ResolvedOptions | undefined {
  return hub instanceof SseHub ? (hub as Partial<SseHub>).options : undefined;
}
