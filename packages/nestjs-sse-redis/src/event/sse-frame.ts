import type { EventRecord } from './event-record.js';
import { formatHubEvent } from './event-text.js';
import type { GapNotice } from './gap.js';
import type { MapNotice } from './map-notice.js';
import { DISMISSED_ID } from './position.js';

const LF = 0x0a;

const NO_DATA = 'event: position\ndata:\n\n';

/**
 * A position, told by an event without content. By the standard a block with an id and no data would do (WHATWG HTML
 * 9.2.6). Firefox and five client libraries ignore such a block (docs/clients.md). No page listens to `position`.
 */
export function formatPositionFrame(id: string): Buffer {
  if (id !== lastPosition.id) lastPosition = { id, frame: Buffer.from(`id: ${id}\n${NO_DATA}`) };
  return lastPosition.frame;
}

/** Connections are told together, and stand at the same position when they are live: one buffer for all of them. */
let lastPosition: { readonly id: string | undefined; readonly frame: Buffer } = {
  id: undefined,
  frame: Buffer.alloc(0),
};

/**
 * An event whose channel is named by a comment, behind its id: a client of several channels tells by it where an event belongs.
 * Clients that do not look for it ignore a comment (WHATWG HTML 9.2.6), and `encodeURI` leaves no character that ends a line.
 */
export function formatNamedFrame(channel: string, record: EventRecord): Buffer {
  if (record !== lastNamed?.record) {
    const { frame } = record;
    const idEnd = frame.indexOf(LF) + 1;
    const name = Buffer.from(formatChannelLine(channel, record));
    const named = Buffer.concat([frame.subarray(0, idEnd), name, frame.subarray(idEnd)]);
    lastNamed = { record, frame: named };
  }
  return lastNamed.frame;
}

/** An event is written to one connection after the other. */
let lastNamed: { readonly record: EventRecord; readonly frame: Buffer } | undefined;

/**
 * An event with another id than its own: it is recovered, and its id says where the client stands, or is of several shards.
 *
 * @param channel named by a comment, if it is given
 */
export function formatLateFrame(record: EventRecord, id: string, channel?: string): Buffer {
  if (record !== lastLate?.record || id !== lastLate.id || channel !== lastLate.channel) {
    const rest = record.frame.subarray(record.frame.indexOf(LF) + 1);
    const lines = `id: ${id}\n${channel === undefined ? '' : formatChannelLine(channel, record)}`;
    lastLate = { record, id, channel, frame: Buffer.concat([Buffer.from(lines), rest]) };
  }
  return lastLate.frame;
}

/** Connections on the same shards are sent the same. */
let lastLate:
  | {
      readonly record: EventRecord;
      readonly id: string;
      readonly channel: string | undefined;
      readonly frame: Buffer;
    }
  | undefined;

/** An event that is in no log: it carries the id that the client has already, so that it moves nothing. */
export function formatMessageFrame(id: string, text: string): Buffer {
  return Buffer.from(`id: ${id}\n${text}`);
}

/** @param id that the client has after it */
export function formatGapFrame(gap: GapNotice, id: string | undefined): Buffer {
  return Buffer.from(formatIdLine(id) + formatHubEvent('gap', gap));
}

/** @param id that the client has after it */
export function formatMapFrame(notice: MapNotice, id: string): Buffer {
  return Buffer.from(formatIdLine(id) + formatHubEvent('map', notice));
}

/**
 * How long the client is to wait before it reconnects, and where it stands then, in one block. The first block of a
 * stream sets the last event id anew (WHATWG HTML 9.2.6): one without an id would take the position away.
 *
 * @param ms undefined: as it was told before
 * @param id undefined where it has none
 */
export function formatRetryFrame(ms: number | undefined, id: string | undefined): Buffer {
  return Buffer.from(formatRetryLine(ms) + (id === undefined ? '\n' : `id: ${id}\n${NO_DATA}`));
}

/** Why a stream cannot be served now, with the id that the client has. @param ms until it is to come back, if it may */
export function formatRefusalFrame(code: string, details: object = {}, ms?: number, id?: string): Buffer {
  return Buffer.from(formatRetryLine(ms) + formatIdLine(id) + formatHubEvent('error', { code, ...details }));
}

/** The last of a stream to which the client shall not come back: on its return it is answered with 204, which ends an EventSource. */
export function formatDismissalFrame(reason: string): Buffer {
  return Buffer.from(`id: ${DISMISSED_ID}\n${formatHubEvent('end', { reason })}`);
}

/** Says as well which data are text, and the key of an event of a state channel: the client could not tell the string `'1'` from the number 1. `encodeURI` leaves no space. */
function formatChannelLine(channel: string, { kind, keyed }: EventRecord): string {
  const key = keyed ? ` key ${keyed.key}` : '';
  return `: channel ${encodeURI(channel)}${kind === 't' ? ' text' : ''}${key}\n`;
}

function formatRetryLine(ms: number | undefined): string {
  return ms === undefined ? '' : `retry: ${ms}\n`;
}

function formatIdLine(id: string | undefined): string {
  return id === undefined ? '' : `id: ${id}\n`;
}
