import type { ServerResponse } from 'node:http';
import { alreadyConnected } from './misuse.js';
import { formatPositionFrame } from '../event/sse-frame.js';
import { keepClose } from './end-connection.js';
import { ForeignBlocks } from './foreign-blocks.js';
import { addIncremental } from './incremental.js';
import { isNodeResponseWrite } from './node-methods.js';

/** Under which a response carries its guard. */
const GUARD = Symbol('nestjs-sse-redis.guard');

type Callback = (error?: Error | null) => void;
type Arguments = unknown[];
type Method<T> = (this: ServerResponse, ...rest: Arguments) => T;

/** The methods of a response that its guard stands before. */
interface Methods {
  readonly write: Method<boolean>;
  readonly end: Method<ServerResponse>;
  readonly writeHead: Method<ServerResponse>;
}

interface GuardedResponse extends ServerResponse {
  [GUARD]?: ResponseGuard;
}

/** Of `OutgoingMessage`, and not in its documentation. */
interface Undocumented {
  /** The head as it was sent. `writeHead` does not always keep the fields that it is given (`getHeader`). */
  readonly _header?: string | null;
}

/** The hub's part in a response. */
export interface GuardedStream {
  /** The id that the hub told the client last; undefined before the first. */
  readonly lastId: string | undefined;
  /** The hub has ended the stream. */
  readonly hasEnded: boolean;
  /** Writes what the hub gave before somebody else writes. */
  makeWay(): void;
  /** The response is about to be ended, by the hub or by somebody else. */
  onEnd(): void;
}

/** The position in the request of a client. */
export interface Claim {
  readonly lastEventId: string | undefined;
}

/**
 * Stands between a response and everybody who writes to it besides the hub: Nest, which numbers messages, and the application.
 * All they write into an event stream goes through `ForeignBlocks`, so that the client's position stays the hub's (P9).
 *
 * The methods in a guarded response's own properties are the same for all responses. So a guard costs no closure.
 */
export class ResponseGuard {
  stream: GuardedStream | undefined = undefined;
  private isEventStream = false;
  private isOwn = false;
  /** The hub streams to the response. Before that only Nest's own answer to a failure is rewritten. */
  private isInstalled = false;
  /** Somebody wrote a message before the hub streamed. */
  private hasPassed = false;
  private blocks: ForeignBlocks | undefined = undefined;

  private constructor(
    readonly response: ServerResponse,
    private claim: Claim,
    readonly originalWrite: Method<boolean>,
    readonly originalEnd: Method<ServerResponse>,
    private readonly originalWriteHead: Method<ServerResponse>,
  ) {}

  /** @throws AlreadyConnectedError if the response has a guard that is installed */
  static install(response: GuardedResponse, claim: Claim): ResponseGuard {
    const guard = ResponseGuard.prepare(response, claim);
    if (guard.isInstalled) throw alreadyConnected();
    guard.isInstalled = true;
    guard.hasPassed = false;
    guard.claim = claim;
    guard.takeBack();
    return guard;
  }

  /**
   * Guards a response whose handler has not connected yet. Under an interceptor Nest sends the headers while a handler still waits for
   * something. Where that fails, Nest writes an `error` event with its number for an id, and the client would come back with that.
   *
   * A handler may stream something else than the hub does: all else passes as it is.
   */
  static prepare(response: GuardedResponse, claim: Claim): ResponseGuard {
    if (response[GUARD]) return response[GUARD];
    // oxlint-disable-next-line typescript/unbound-method -- applied to the response below
    const { write, end, writeHead } = response as unknown as Methods;
    const guard = new ResponseGuard(response, claim, write, end, writeHead);
    response[GUARD] = guard;
    response.write = guardedWrite as ServerResponse['write'];
    response.end = guardedEnd as ServerResponse['end'];
    response.writeHead = guardedWriteHead;
    return guard;
  }

  /**
   * An interceptor may have emitted something before the handler came here: Nest has numbered it, and the client has that
   * number for its id. It is sent its own again at once.
   */
  private takeBack(): void {
    const { response, claim } = this;
    if (!this.watches() || response.writableEnded) return;
    this.write(Buffer.concat([BLOCK_END, formatPositionFrame(plainId(claim.lastEventId) ?? '')]));
  }

  /** Writes frames of the hub. */
  write(frames: Buffer): void {
    this.isOwn = true;
    try {
      this.response.write(frames);
    } finally {
      this.isOwn = false;
    }
  }

  /** Ends the response for the hub. */
  end(): void {
    if (!this.response.writableEnded) this.response.end();
  }

  /** @internal */
  takeWrite(args: Arguments): boolean {
    const { response, originalWrite } = this;
    if (this.isOwn || this.hasPassed || !this.watches()) return originalWrite.apply(response, args);
    const { text, callback } = readArguments(args);
    // Node says what is wrong with it.
    if (text === undefined) return originalWrite.apply(response, args);
    const blocks = this.rewrite(text);
    if (blocks.length > 0 && !this.isAfterEnd) return originalWrite.call(response, blocks, callback);
    if (callback) process.nextTick(callback);
    return true;
  }

  /** @internal */
  takeEnd(args: Arguments): ServerResponse {
    const { response, originalEnd } = this;
    const { text, callback } = readArguments(args);
    const isWatched = this.watches();
    if (!response.writableEnded) this.stream?.onEnd();
    if (!isWatched || text === undefined || this.hasPassed)
      return this.asOwn(() => originalEnd.apply(response, args));
    const blocks = this.isAfterEnd ? NOTHING : this.rewrite(text);
    return this.asOwn(() => originalEnd.call(response, ...(blocks.length > 0 ? [blocks] : []), callback));
  }

  /** @internal */
  takeHead(args: Arguments): ServerResponse {
    const { response } = this;
    return this.originalWriteHead.apply(response, keepClose(response, addIncremental(response, args)));
  }

  /** What the application still has to say after the hub has ended the response is no error of the application. */
  private get isAfterEnd(): boolean {
    return this.stream?.hasEnded === true && this.response.writableEnded;
  }

  private rewrite(text: string): Buffer {
    const { stream } = this;
    stream?.makeWay();
    const told = stream?.lastId;
    const id = told ?? plainId(this.claim.lastEventId);
    // Nest's own, after the headers. It would make a client that keeps to the standard forget the id that it came with.
    if (text === '\n' && this.blocks === undefined) {
      if (told !== undefined || id === undefined) return NEWLINE;
      this.response.flushHeaders();
      return NOTHING;
    }
    if (!this.isInstalled) {
      this.hasPassed = true;
      return Buffer.from(text.replace(FAILURE, id === undefined ? '$1' : `$1id: ${id}\n`), 'latin1');
    }
    this.blocks ??= new ForeignBlocks();
    return Buffer.from(this.blocks.push(text, id), 'latin1');
  }

  /** Until the headers of an event stream are out, an exception filter may still answer otherwise. */
  private watches(): boolean {
    return (this.isEventStream ||= isEventStream(this.response));
  }

  /** HTTP/2's `end` writes with the response's own `write`. */
  private asOwn<T>(write: () => T): T {
    const wasOwn = this.isOwn;
    this.isOwn = true;
    try {
      return write();
    } finally {
      this.isOwn = wasOwn;
    }
  }
}

/** Of a block that may have been begun. */
const BLOCK_END = Buffer.from('\n\n');
const NOTHING = Buffer.alloc(0);
const NEWLINE = Buffer.from('\n');
/** The beginning of the `error` event that Nest writes where a handler fails, up to its number. */
const FAILURE = /^\n?(event: error\n)id: \d+\n/;

/** Whether nobody but a guard has wrapped the response's `write`, which is Node's own of HTTP/1. */
export function hasPlainWrite(response: GuardedResponse): boolean {
  const { write } = response as unknown as { write: Method<boolean> };
  const own = write === guardedWrite ? response[GUARD]?.originalWrite : write;
  return isNodeResponseWrite(own);
}

function guardedWrite(this: GuardedResponse, ...args: Arguments): boolean {
  return this[GUARD]!.takeWrite(args);
}

function guardedEnd(this: GuardedResponse, ...args: Arguments): ServerResponse {
  return this[GUARD]!.takeEnd(args);
}

function guardedWriteHead(this: GuardedResponse, ...args: Arguments): ServerResponse {
  return this[GUARD]!.takeHead(args);
}

function isEventStream(response: ServerResponse): boolean {
  if (!response.headersSent) return false;
  const kept = response.getHeader('content-type');
  if (kept !== undefined) return /^text\/event-stream\b/i.test(String(kept));
  const { _header: head } = response as Undocumented;
  return typeof head !== 'string' || /^content-type:\s*text\/event-stream\b/im.test(head);
}

/** The arguments of `write` and `end`. The text has one byte a character; it is undefined where nothing is to be written. */
function readArguments(args: Arguments): { text: string | undefined; callback: Callback | undefined } {
  const callback = args.find((value) => typeof value === 'function') as Callback | undefined;
  const [chunk, encoding] = args;
  if (typeof chunk === 'string') {
    const known = typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8';
    return { text: Buffer.from(chunk, known).toString('latin1'), callback };
  }
  if (!(chunk instanceof Uint8Array)) return { text: undefined, callback };
  return { text: Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1'), callback };
}

/** An id of the hub is ASCII. Anything else that a client came with is none, and may not even be an id. */
function plainId(id: string | undefined): string | undefined {
  return id !== undefined && /^[\x21-\x7e]+$/.test(id) ? id : undefined;
}
