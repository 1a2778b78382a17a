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
  /** Of an event of a state channel: its key, as `encodeURIComponent` writes it, and its number among all events of the channel. */
  readonly keyed?: { readonly key: string; readonly count: number };
}

const SPACE = 0x20;
const LF = 0x0a;
const DIGIT_0 = 0x30;
const EPHEMERAL = 0x65; // e
const FIRST = 0x66; // f
const KINDS: Readonly<Record<number, EventKind>> = { 0x6a: 'j', 0x72: 'r', 0x74: 't', 0x78: 'x' };

/** The flags of a record that its publisher knows: the kind, and `e` if it is ephemeral. The broker adds `f`: the first of its log. */
export function recordFlags(kind: EventKind, ephemeral: boolean): string {
  return ephemeral ? `${kind}e` : kind;
}

/**
 * The flags of an event of a state channel: `<kind> <count> <key> `. What the broker adds comes behind the last space.
 *
 * @param key as `encodeURIComponent` writes it
 */
export function keyedFlags(kind: EventKind, key: string, count: number): string {
  return `${kind} ${count} ${key} `;
}

/** Makes the bytes of a record. The Redis broker's `publish.lua` makes the same. */
export function encodeRecord(
  position: Position,
  prev: Position,
  event: EventText,
  ephemeral: boolean,
  first = false,
  shard?: number,
  keyed?: EventRecord['keyed'],
): Buffer {
  const flags = keyed ? keyedFlags(event.kind, keyed.key, keyed.count) : recordFlags(event.kind, ephemeral);
  return Buffer.from(
    `${position} ${prev} ${flags}${first ? 'f' : ''}\nid: ${formatEventId(position, 0, shard)}\n${event.text}`,
  );
}

/**
 * Reads the bytes of a record. The frame shares their memory.
 *
 * @throws UnexpectedReplyError if these are not the bytes of a record
 */
export function parseRecord(bytes: Buffer): EventRecord {
  const positionEnd = endOfDigits(bytes, 0);
  const prevEnd = endOfDigits(bytes, positionEnd + 1);
  if (positionEnd === 0 || bytes[positionEnd] !== SPACE) throw unexpected(bytes);
  if (prevEnd === positionEnd + 1 || bytes[prevEnd] !== SPACE) throw unexpected(bytes);
  const position = numberIn(bytes, 0, positionEnd);
  const prev = numberIn(bytes, positionEnd + 1, prevEnd);
  let at = prevEnd + 1;
  const kind = KINDS[bytes[at++] ?? 0];
  const ephemeral = bytes[at] === EPHEMERAL;
  if (ephemeral) at++;
  let keyed: EventRecord['keyed'];
  if (bytes[at] === SPACE) [keyed, at] = parseKeyed(bytes, at + 1);
  const first = bytes[at] === FIRST;
  if (first) at++;
  if (!kind || bytes[at++] !== LF || !Number.isSafeInteger(position) || prev >= position)
    throw unexpected(bytes);
  const frame = bytes.subarray(at);
  return keyed
    ? { position, prev, kind, first, ephemeral, frame, keyed }
    : { position, prev, kind, first, ephemeral, frame };
}

/** Returns what it read, and where the rest begins. @throws UnexpectedReplyError */
function parseKeyed(bytes: Buffer, at: number): [NonNullable<EventRecord['keyed']>, number] {
  const countEnd = endOfDigits(bytes, at);
  const keyEnd = bytes.indexOf(SPACE, countEnd + 1);
  if (countEnd === at || bytes[countEnd] !== SPACE || keyEnd < 0) throw unexpected(bytes);
  const key = bytes.toString('latin1', countEnd + 1, keyEnd);
  return [{ key, count: numberIn(bytes, at, countEnd) }, keyEnd + 1];
}

/** The id of the event in a record. */
export function getId({ frame }: EventRecord): string {
  return frame.toString('latin1', 'id: '.length, frame.indexOf(LF));
}

/** The SSE text of a record, without its id line: what `parseEventText` reads. */
export function getText(record: EventRecord): string {
  return record.frame.toString('utf8', record.frame.indexOf(LF) + 1);
}

function endOfDigits(bytes: Buffer, start: number): number {
  let at = start;
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte < DIGIT_0 || byte > DIGIT_0 + 9) break;
  }
  return at;
}

/** In pieces that V8 computes as small integers: beyond them each step would be a number on the heap, until it is optimized. */
function numberIn(bytes: Buffer, start: number, end: number): number {
  let result = 0;
  for (let at = start; at < end;) {
    const pieceEnd = Math.min(end, at + 8);
    let piece = 0;
    let scale = 1;
    for (; at < pieceEnd; at++) {
      piece = piece * 10 + (bytes[at]! - DIGIT_0);
      scale *= 10;
    }
    result = result * scale + piece;
  }
  return result;
}

function unexpected(bytes: Buffer): UnexpectedReplyError {
  return new UnexpectedReplyError(
    `Not an event of this hub: ${JSON.stringify(bytes.toString('latin1', 0, 80))}. Does something else use the same prefix in Redis?`,
  );
}
