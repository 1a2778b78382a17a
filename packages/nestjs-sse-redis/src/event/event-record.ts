import { UnexpectedReplyError } from '../errors/unexpected-reply.error.js';
import type { EventKind, EventText } from './event-text.js';
import { formatEventId, type Position } from './position.js';

/**
 * An event as logs keep it and announcements carry it.
 *
 * The bytes are `<position> <prev> <flags>\n` and then the SSE block that clients get, id line included: a node cuts
 * the first line off and writes the rest, without decoding or copying it.
 */
export interface EventRecord {
  readonly position: Position;
  /** No event of the channel lies between this position and the event's own. */
  readonly prev: Position;
  readonly kind: EventKind;
  /** There was no log before it: `prev` is no event, but only a bound. */
  readonly first: boolean;
  /** It is in no log: nobody who was not there can get it. */
  readonly ephemeral: boolean;
  /** The finished SSE block: `id:`, `event:`, `data:` lines and the blank line. */
  readonly frame: Buffer;
}

const SPACE = 0x20;
const LF = 0x0a;
const DIGIT_0 = 0x30;
const EPHEMERAL = 0x65; // e
const FIRST = 0x66; // f
const KINDS: Readonly<Record<number, EventKind>> = { 0x6a: 'j', 0x74: 't', 0x78: 'x' };

/** The flags of a record that its publisher knows: the kind, and `e` if it is ephemeral. The broker adds `f`: the first of its log. */
export function recordFlags(kind: EventKind, ephemeral: boolean): string {
  return ephemeral ? `${kind}e` : kind;
}

/** Makes the bytes of a record. The Redis broker's `publish.lua` makes the same. */
export function encodeRecord(
  position: Position,
  prev: Position,
  event: EventText,
  ephemeral: boolean,
  first = false,
): Buffer {
  return Buffer.from(
    `${position} ${prev} ${recordFlags(event.kind, ephemeral)}${first ? 'f' : ''}\nid: ${formatEventId(position)}\n${event.text}`,
  );
}

/**
 * Reads the bytes of a record. The frame shares their memory.
 *
 * @throws UnexpectedReplyError if these are not the bytes of a record
 */
export function parseRecord(bytes: Buffer): EventRecord {
  let at = 0;
  let position = 0;
  while (isDigit(bytes[at])) position = position * 10 + (bytes[at++]! - DIGIT_0);
  if (at === 0 || bytes[at++] !== SPACE) throw unexpected(bytes);
  const prevStart = at;
  let prev = 0;
  while (isDigit(bytes[at])) prev = prev * 10 + (bytes[at++]! - DIGIT_0);
  if (at === prevStart || bytes[at++] !== SPACE) throw unexpected(bytes);
  const kind = KINDS[bytes[at++] ?? 0];
  const ephemeral = bytes[at] === EPHEMERAL;
  if (ephemeral) at++;
  const first = bytes[at] === FIRST;
  if (first) at++;
  if (!kind || bytes[at++] !== LF || !Number.isSafeInteger(position) || prev >= position)
    throw unexpected(bytes);
  return { position, prev, kind, first, ephemeral, frame: bytes.subarray(at) };
}

/** The SSE text of a record, without its id line: what `parseEventText` reads. */
export function textOf(record: EventRecord): string {
  return record.frame.toString('utf8', record.frame.indexOf(LF) + 1);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_0 + 9;
}

function unexpected(bytes: Buffer): UnexpectedReplyError {
  return new UnexpectedReplyError(
    `Not an event of this hub: ${JSON.stringify(bytes.toString('latin1', 0, 80))}. Does something else use the same prefix in Redis?`,
  );
}
