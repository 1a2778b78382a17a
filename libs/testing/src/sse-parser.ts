import { isPositionEvent } from './hub-events.js';

/** A dispatched event. `id` is the last event id at that moment, as `MessageEvent.lastEventId` is. */
export interface SseMessage {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** All lines between two blank ones, whether or not they add up to an event. */
export interface SseBlock {
  /** The lines as they came, joined with LF. */
  readonly raw: string;
  /** The id that this block set, if it set one. */
  readonly id: string | undefined;
  /** The event that it dispatched; an id-only, retry-only or comment-only block dispatches none, nor does a position. */
  readonly message: SseMessage | undefined;
  /**
   * It says where the client stands, and nothing else: it sets an id without data, or with `event: position` and empty
   * data. `retry:` may be with it.
   */
  readonly isPosition: boolean;
}

export interface SseParserOptions {
  /** What the client sent as `Last-Event-ID`: it stays the last event id until the stream sets another. */
  lastEventId?: string;
  onBlock?(block: SseBlock): void;
  /** Without the colon and the one space that may follow it. */
  onComment?(text: string): void;
}

/**
 * Reads an event stream as WHATWG HTML §9.2.6 says, straight from the standard. It shares nothing with the encoder of
 * the product on purpose: each is the other's check.
 *
 * Two departures. By the standard every stream starts with an empty last event id *buffer*. After a reconnect, a first
 * block without an id forgets the position. Like browsers, the parser carries the old id over instead. And an event
 * of type `position` with empty data is no message, as no page listens to it: tests count what an application hears.
 */
export class SseParser {
  /** Moves when a block ends, with or without data. */
  lastEventId: string;
  /** Milliseconds; the last valid `retry` field. */
  retry: number | undefined;

  readonly #options: SseParserOptions;
  /** Swallows one leading BOM, and waits for the rest of a character that a chunk cuts in two. */
  readonly #decoder = new TextDecoder();
  #rest = '';
  #afterCarriageReturn = false;

  #lines: string[] = [];
  #data = '';
  #type = '';
  #id: string | undefined;

  constructor(options: SseParserOptions = {}) {
    this.#options = options;
    this.lastEventId = options.lastEventId ?? '';
  }

  /** What is incomplete when the stream ends is discarded, so there is nothing to call at the end. */
  push(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return;

    // CR ends a line at once, without waiting for the next chunk; an LF that follows belongs to it.
    let start = this.#afterCarriageReturn && text.startsWith('\n') ? 1 : 0;
    this.#afterCarriageReturn = text.endsWith('\r');

    const lineEnd = /\r\n|\r|\n/g;
    lineEnd.lastIndex = start;
    for (let match = lineEnd.exec(text); match; match = lineEnd.exec(text)) {
      const line = this.#rest + text.slice(start, match.index);
      this.#rest = '';
      start = lineEnd.lastIndex;
      this.#readLine(line);
    }
    this.#rest += text.slice(start);
  }

  #readLine(line: string): void {
    if (line === '') {
      this.#endBlock();
      return;
    }
    this.#lines.push(line);

    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (colon === 0) this.#options.onComment?.(value);
    else this.#readField(name, value);
  }

  #readField(name: string, value: string): void {
    switch (name) {
      case 'event':
        this.#type = value;
        break;
      case 'data':
        this.#data += `${value}\n`;
        break;
      case 'id':
        if (!value.includes('\0')) this.#id = value;
        break;
      case 'retry':
        if (/^[0-9]+$/.test(value)) this.retry = Number.parseInt(value, 10);
        break;
      // Any other field is ignored.
    }
  }

  #endBlock(): void {
    if (this.#lines.length === 0) return;

    const id = this.#id;
    if (id !== undefined) this.lastEventId = id;
    const dispatched = this.#data === '' ? undefined : this.#message();
    const message = dispatched && !isPositionEvent(dispatched) ? dispatched : undefined;
    const isPosition = message === undefined && (dispatched !== undefined || id !== undefined);
    const raw = this.#lines.join('\n');
    this.#lines = [];
    this.#data = '';
    this.#type = '';
    this.#id = undefined;
    this.#options.onBlock?.({ raw, id, message, isPosition });
  }

  #message(): SseMessage {
    return { id: this.lastEventId, type: this.#type || 'message', data: this.#data.slice(0, -1) };
  }
}
