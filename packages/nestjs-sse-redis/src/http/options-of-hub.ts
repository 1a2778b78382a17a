import { getOwnOptions } from '../hub/own-options.js';
import type { SseHub } from '../hub/sse-hub.js';
import { areResolved, resolveOptions, type ResolvedOptions } from '../options/resolved-options.js';

/**
 * The options of the hub that a part of a controller injects.
 *
 * @param given undefined where a module provides the hub alone, and a mock with `useMocker()`: the test of one controller, with a hub of
 * the test's own, has the defaults. A hub of this package in the same place brings its own, since others would tell users apart
 * otherwise than it does.
 */
export function optionsOfHub(given: ResolvedOptions | undefined, hub: SseHub): ResolvedOptions {
  return given && areResolved(given) ? given : (getOwnOptions(hub) ?? resolveOptions());
}
