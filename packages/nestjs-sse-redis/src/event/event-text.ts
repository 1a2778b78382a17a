import { types } from 'node:util';
import { InvalidEventError } from '../errors/invalid-event.error.js';
import { PayloadTooLargeError } from '../errors/payload-too-large.error.js';
import { UnexpectedReplyError } from '../errors/unexpected-reply.error.js';
import type { SseEventInput } from './sse-event.js';

/**
 * How the data of an event was made, in one letter, since a reader cannot tell the string `'1'` from the number 1:
 * `j` JSON, `t` text; `x` is the end of the channel's stream, `r` the removal of a key of a state channel.
 */
export type EventKind = 'j' | 't' | 'x' | 'r';

/** An event as it travels: the lines after `id:` of its SSE block, made once, by the publisher. */
export interface EventText {
  readonly kind: EventKind;
  /** `event: …`, `data: …` and the blank line. */
  readonly text: string;
}

const MAX_TYPE_LENGTH = 256;
/** Names that `EventSource` dispatches events of its own under, and the names of the events that the hub sends. */
const RESERVED_TYPES: ReadonlySet<string> = new Set(['open', 'error', 'position', 'gap', 'end', 'control']);
// WHATWG HTML, "Parsing an event stream": a line ends with CR LF, LF, or CR.
const LINE_END = /\r\n|\n|\r/;
/** What JSON makes `{}` of, besides what `findLost` knows by itself. An object of a class of the application may be empty. */
const LOST_OBJECTS: ReadonlySet<string> = new Set([
  ...['ArrayBuffer', 'AsyncGenerator', 'Blob', 'File', 'FormData', 'Generator', 'Headers', 'ReadableStream'],
  ...['RegExp', 'Request', 'Response', 'URLSearchParams', 'WeakMap', 'WeakSet'],
]);
const SEPARATOR = /[\u2028\u2029]/;

/**
 * Makes the SSE text of an event that an application publishes.
 *
 * @param maxBytes how long the data may be, in bytes of UTF-8
 * @param serialize makes of the event's data what is sent; called once, and only for an event whose type is allowed
 * @throws InvalidEventError | PayloadTooLargeError, and any error of `serialize`
 */
export function encodeEvent(
  event: SseEventInput,
  maxBytes: number,
  serialize?: (data: unknown) => unknown,
): EventText {
  if (typeof event !== 'object' || event === null) {
    throw new InvalidEventError('An event is an object { type?, data }.');
  }
  const type = parseEventType(event.type);
  const value = serialize ? serialize(event.data) : event.data;
  const kind = typeof value === 'string' ? 't' : 'j';
  const data = typeof value === 'string' ? value : stringify(value);
  checkSize(data, maxBytes);
  return { kind, text: formatEvent(type, data) };
}

/** The lines of an event that the hub sends of itself; `type` is one of the reserved names. */
export function formatHubEvent(
  type: 'gap' | 'end' | 'error' | 'control' | 'position' | 'map',
  data: object,
): string {
  return formatEvent(type, escapeSeparators(JSON.stringify(data)));
}

function formatEvent(type: string | undefined, data: string): string {
  const name = type ? `event: ${type}\n` : '';
  // JSON has no bare line end, nor have most strings: only then is splitting needed.
  const lines = LINE_END.test(data) ? data.split(LINE_END).join('\ndata: ') : data;
  return `${name}data: ${lines}\n\n`;
}

/**
 * Reads back what `formatEvent` wrote.
 *
 * @throws UnexpectedReplyError if something else wrote it
 */
export function parseEventText(kind: EventKind, text: string): { type?: string; data: unknown } {
  const body = text.slice(0, -2);
  const typed = body.startsWith('event: ');
  const dataStart = typed ? body.indexOf('\n') + 1 : 0;
  const lines = body.slice(dataStart + 'data: '.length).replaceAll('\ndata: ', '\n');
  const data: unknown = kind === 't' ? lines : parseJson(lines);
  return typed ? { type: body.slice('event: '.length, dataStart - 1), data } : { data };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new UnexpectedReplyError('The data of an event in Redis is not what the hub wrote.', { cause });
  }
}

/** Returns the type of an event; undefined where it has none. @throws InvalidEventError */
export function parseEventType(type: unknown): string | undefined {
  if (type === undefined || type === null || type === '') return undefined;
  if (typeof type !== 'string') {
    throw new InvalidEventError(`The type of an event is a string, not ${typeof type}.`);
  }
  if (type.length > MAX_TYPE_LENGTH) {
    throw new InvalidEventError(
      `The type of an event has at most ${MAX_TYPE_LENGTH} characters, this one has ${type.length}.`,
    );
  }
  // oxlint-disable-next-line no-control-regex
  if (/[\r\n\u0000]/.test(type)) {
    throw new InvalidEventError(`The event type ${JSON.stringify(type)} has a line end or NUL.`);
  }
  if (RESERVED_TYPES.has(type)) {
    throw new InvalidEventError(
      `The event type "${type}" is taken: "open" and "error" are EventSource's own events, "position", "gap", "end", "error" and "control" are sent by the hub. Use another name.`,
    );
  }
  return type;
}

function stringify(data: unknown): string {
  if (typeof data === 'number' && !Number.isFinite(data)) {
    throw new InvalidEventError(`JSON cannot carry the number ${data}.`);
  }
  let json: string | undefined;
  try {
    json = JSON.stringify(data) as string | undefined;
  } catch (cause) {
    throw new InvalidEventError('The data of the event cannot be written as JSON (a cycle, or a BigInt?).', {
      cause,
    });
  }
  if (json === undefined) {
    throw new InvalidEventError(
      `The data of an event is a string or anything that JSON can carry, not ${typeof data}. For an event without data give null or ''.`,
    );
  }
  const lost = json === '{}' || json === 'null' ? findLost(data) : undefined;
  if (lost === undefined) return escapeSeparators(json);
  throw new InvalidEventError(`JSON makes ${json} of ${lost}: give what shall be sent of it.`);
}

/** Some clients take U+2028 and U+2029 for line ends (docs/clients.md). JSON says the same without them. */
function escapeSeparators(json: string): string {
  if (!SEPARATOR.test(json)) return json;
  return json.replaceAll('\u2028', String.raw`\u2028`).replaceAll('\u2029', String.raw`\u2029`);
}

/** Data that JSON writes without its contents, and without an error. */
function findLost(data: unknown): string | undefined {
  if (types.isPromise(data)) return 'a Promise (is an await missing?)';
  if (types.isMap(data)) return 'a Map';
  if (types.isSet(data)) return 'a Set';
  if (types.isNativeError(data)) return 'an Error';
  if (types.isDate(data)) return 'an invalid Date';
  const name = Object.prototype.toString.call(data).slice('[object '.length, -1);
  return LOST_OBJECTS.has(name) ? `${name.startsWith('A') ? 'an' : 'a'} ${name}` : undefined;
}

function checkSize(data: string, maxBytes: number): void {
  // A UTF-16 unit is one to three bytes of UTF-8: most data need not be measured.
  if (data.length * 3 <= maxBytes) return;
  const bytes = Buffer.byteLength(data);
  if (bytes > maxBytes) {
    throw new PayloadTooLargeError(
      `The data of the event has ${bytes} bytes, limits.payloadBytes allows ${maxBytes}. Send a reference instead, or raise the limit.`,
    );
  }
}
