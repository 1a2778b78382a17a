import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { EventSink, EventSinkListener } from '../delivery/event-sink.js';
import type { EventRecord } from '../event/event-record.js';
import type { GapNotice } from '../event/gap.js';
import type { MapNotice } from '../event/map-notice.js';
import {
  formatGapFrame,
  formatLateFrame,
  formatMapFrame,
  formatMessageFrame,
  formatNamedFrame,
  formatPositionFrame,
  formatRetryFrame,
} from '../event/sse-frame.js';
import { endConnection } from './end-connection.js';
import { FrameWriter, type FrameWriterOptions } from './frame-writer.js';
import { endHandlerTime } from './handler-timeout.js';
import { reportNoBody } from './misuse.js';
import { abortSignal, type NestObservable } from './nest-observable.js';
import type { GuardedStream, ResponseGuard } from './response-guard.js';
import { toTcpKey } from './tcp-table.js';

/** Statuses of answers without a body (RFC 9110, 15.3.5 and 15.4.5). */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);
/** ms for what an application has concatenated with a stream, once the hub has ended it. */
const LAST_WORDS = 1_000;

/** The connection that a response serves. */
export interface ResponseSinkListener {
  /** The id in place of a position that keeps the client from returning. */
  readonly finalId: string | undefined;
  /** Whether the stream is over once all of its channels are. */
  readonly endsWithChannels: boolean;
  /** An operator, an interceptor or a handler ended the response, while the client is there. */
  onSinkInterrupted(): void;
  /** The stream ended by itself. */
  onSinkEnded(): void;
  /** The response has closed. */
  onSinkClosed(): void;
}

/** A response of HTTP/2 has a stream of its own, and shares its socket. */
interface Http2Response {
  readonly stream?: Duplex & { readonly session?: { destroy(): void } };
}

/**
 * The sink of a response whose headers Nest sends. `@Sse()` keeps routing, guards, filters and headers. The bytes of events
 * bypass Nest's pipeline. It would number events that have no id of their own, and format each one once for each client.
 */
export class ResponseSink extends FrameWriter implements EventSink, GuardedStream {
  subscriber: EventSinkListener | undefined = undefined;
  listener: ResponseSinkListener | undefined = undefined;
  hasEvents = false;
  /** The hub has ended it. */
  hasEnded = false;
  /** Nest's part in the response, until it lets go. */
  private nest: NestObservable | undefined;

  constructor(
    response: ServerResponse,
    nest: NestObservable,
    guard: ResponseGuard,
    options: FrameWriterOptions,
    namesChannels = false,
  ) {
    super(response, guard, options, namesChannels);
    this.nest = nest;
    guard.stream = this;
    if (response.closed || response.destroyed) queueMicrotask(() => this.onClosed());
    else response.on('close', () => this.onClosed());
  }

  open(id: string | undefined, retry: number | undefined): boolean {
    return this.write(formatRetryFrame(retry, id));
  }

  event(channel: string, record: EventRecord): boolean {
    this.hasEvents = true;
    return this.write(this.namesChannels ? formatNamedFrame(channel, record) : record.frame);
  }

  late(channel: string, record: EventRecord, id: string): boolean {
    this.hasEvents = true;
    return this.write(formatLateFrame(record, id, this.namesChannels ? channel : undefined));
  }

  position(id: string): boolean {
    return this.write(formatPositionFrame(id));
  }

  gap(gap: GapNotice, id: string | undefined): boolean {
    return this.write(formatGapFrame(gap, id));
  }

  map(notice: MapNotice, id: string): boolean {
    return this.write(formatMapFrame(notice, id));
  }

  message(id: string, text: string): boolean {
    return this.write(formatMessageFrame(id, text));
  }

  get gone(): boolean {
    const { response } = this;
    const { stream } = response as Http2Response;
    if (stream) return response.destroyed || stream.destroyed;
    // Behind another response of its connection it has no socket of its own yet, and will not hear that the connection has closed.
    return response.destroyed || (response.socket ?? response.req.socket).destroyed;
  }

  /**
   * Nest commits the headers on a timer of 0 ms after it subscribed. Looking for that is what works under every
   * interceptor; emitting something to make Nest commit would pass through them all, and may come out as an event.
   */
  async opened(): Promise<boolean> {
    const { response } = this;
    while (!response.headersSent) {
      if (this.isClosed || response.writableEnded || response.destroyed) return false;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    endHandlerTime(response);
    // Node drops its bytes, and keeps the connection busy with it.
    if (BODILESS.has(response.statusCode)) {
      reportNoBody(response);
      this.guard.end();
    }
    // A HEAD request has no more than its headers.
    this.isOpen = !this.isClosed && !response.writableEnded && !response.destroyed;
    if (this.isOpen && this.nest?.letGo()) this.nest = undefined;
    return this.isOpen;
  }

  async closed(): Promise<void> {
    if (!this.isClosed) await new Promise<void>((resolve) => this.response.once('close', resolve));
  }

  mayEnd(): boolean {
    return this.listener?.endsWithChannels !== false;
  }

  end(): void {
    this.flush();
    this.hasEnded = true;
    this.listener?.onSinkEnded();
    if (!this.nest) return this.guard.end();
    this.nest.end();
    // What the application has merged with the stream may go on for ever, and keep the client from coming back.
    setTimeout(() => this.guard.end(), LAST_WORDS).unref();
  }

  /** Has the connection end behind the response. */
  endConnection(): void {
    endConnection(this.response.req, this.response);
  }

  /** Cuts the response and its connection: nobody is at its other end. */
  abandon(): void {
    const { session } = (this.response as Http2Response).stream ?? {};
    this.destroy();
    session?.destroy();
  }

  /** The addresses of its connection (`tcp-table.ts`). */
  getTcpKey(): string | undefined {
    return this.tcpSocket && toTcpKey(this.tcpSocket);
  }

  /** Bytes that the kernel was given for its connection. */
  get bytesSent(): number {
    const { tcpSocket: socket } = this;
    return socket ? socket.bytesWritten - socket.writableLength : 0;
  }

  /** Undefined after the response. */
  private get tcpSocket(): Socket | undefined {
    return this.response.socket ?? undefined;
  }

  get lastId(): string | undefined {
    return this.listener?.finalId ?? this.subscriber?.lastId;
  }

  makeWay(): void {
    this.yieldSocket();
  }

  /** When the response has ended, its socket is the next request's, long before it closes. */
  onEnd(): void {
    this.subscriber?.leaveGroup();
    this.interrupt();
    this.flush();
    this.isOpen = false;
  }

  /** Nest unsubscribes: the client has left, or an operator or an interceptor has ended the stream. */
  interrupt(): void {
    if (this.isClosed || this.gone || this.response.req.method === 'HEAD') this.listener?.onSinkClosed();
    else this.listener?.onSinkInterrupted();
  }

  private onClosed(): void {
    this.stopWriting();
    if (!this.nest) abortSignal(this.response);
    this.listener?.onSinkClosed();
  }
}
