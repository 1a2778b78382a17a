import type { Change } from './channel-changes.js';
import type { TrackedChannel } from './tracked-channel.js';

/**
 * Notes in channels that a request is about to put them on the stream, or to take them off.
 *
 * @param change its number
 * @returns what the request says
 */
export function beginChange(
  change: number,
  added: readonly TrackedChannel[],
  removed: readonly TrackedChannel[],
): Change {
  const rewound = added.filter(({ isMuted }) => isMuted);
  // A channel may have the name `__proto__`, which cannot be assigned.
  const after = Object.fromEntries(
    added.flatMap(({ name, after }) => (after === undefined ? [] : [[name, after]])),
  );
  for (const channel of added) channel.begins();
  for (const channel of [...rewound, ...removed]) channel.mutedUntil = change;
  for (const channel of [...added, ...removed]) {
    channel.change = change;
    channel.on = undefined;
    channel.covered = channel.rewinds = false;
  }
  const unsubscribe = [...rewound, ...removed].map(({ name }) => name);
  return { change, subscribe: added.map(({ name }) => name), unsubscribe, after };
}
