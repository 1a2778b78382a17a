import { formatHubEvent } from '../event/event-text.js';
import { DISMISSED_ID, formatEventId, type Position } from '../event/position.js';
import type { Gap } from './outlet.js';

/**
 * The position alone. A block without data dispatches no event, but sets the client's last event id (WHATWG HTML
 * 9.2.6, "dispatch the event": the id is set before an empty data buffer returns).
 */
export function positionFrame(position: Position): Buffer {
  if (position !== lastPosition.position) {
    lastPosition = { position, frame: Buffer.from(`id: ${formatEventId(position)}\nevent: position\ndata:\n\n`) };
  }
  return lastPosition.frame;
}

/** Connections are told together, and stand at the same position when they are live: one buffer for all of them. */
let lastPosition: { readonly position: Position; readonly frame: Buffer } = {
  position: -1,
  frame: Buffer.alloc(0),
};

/** An event that is in no log: it carries the position that the client has already, so that it moves nothing. */
export function messageFrame(position: Position, text: string): Buffer {
  return Buffer.from(`id: ${formatEventId(position)}\n${text}`);
}

/** @param position where the client stands after it */
export function gapFrame(gap: Gap, position: Position): Buffer {
  return Buffer.from(`id: ${formatEventId(position)}\n${formatHubEvent('gap', describeGap(gap))}`);
}

/** A gap as clients and `hub.events()` are told of it. */
export function describeGap({ channel, from, to }: Gap): {
  channel: string;
  from: string | null;
  to: string;
} {
  return { channel, from: from === null ? null : formatEventId(from), to: formatEventId(to) };
}

/** How long the client is to wait before it reconnects. */
export function retryFrame(ms: number): Buffer {
  return Buffer.from(`retry: ${ms}\n\n`);
}

/** Why a stream that was opened cannot be served now. It has no id, and so leaves the client's position alone. */
export function refusalFrame(code: string, details: object = {}): Buffer {
  return Buffer.from(formatHubEvent('error', { code, ...details }));
}

/** The last of a stream to which the client shall not come back: on its return it is answered with 204, which ends an EventSource. */
export function dismissalFrame(reason: string): Buffer {
  return Buffer.from(`id: ${DISMISSED_ID}\n${formatHubEvent('end', { reason })}`);
}
