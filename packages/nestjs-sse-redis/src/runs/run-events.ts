import type { Publication } from '../broker/broker.interface.js';
import type { RunEnd, RunEndState, RunFence } from '../broker/run-store.interface.js';
import { formatHubEvent } from '../event/event-text.js';

/** The lines of the event with which a run ends. */
export function formatRunEnd(channel: string, run: string, outcome: RunEndState): string {
  return formatHubEvent('end', { channel, outcome, run });
}

/** The end of a run. @param fence with what the end makes of it */
export function toRunEnd(channel: string, fence: RunFence & { readonly end: RunEnd }): Publication {
  return toPublication(channel, 'x', formatRunEnd(channel, fence.id, fence.end.state), fence);
}

/** Says that a run failed, not how. */
export function toRunError(channel: string, code: string): Publication {
  return toPublication(channel, 'j', formatHubEvent('error', { channel, code }), undefined);
}

function toPublication(
  channel: string,
  kind: 'x' | 'j',
  text: string,
  run: RunFence | undefined,
): Publication {
  return {
    channel,
    event: { kind, text },
    ephemeral: false,
    idempotencyKey: undefined,
    ...(run && { run }),
  };
}
