import type { AsyncResource } from 'node:async_hooks';
import { timingSafeEqual } from 'node:crypto';
import type { NewConnection } from '../broker/registry-store.interface.js';
import type { HeartbeatTarget } from '../delivery/heartbeat.js';
import type { CloseCause } from '../delivery/hub-counters.js';
import type { OpenSubscriber } from '../delivery/open-subscriber.interface.js';
import { formatHubEvent } from '../event/event-text.js';
import { repeatableId } from '../event/last-event-id.js';
import { DISMISSED_ID } from '../event/position.js';
import { formatDismissalFrame, formatRefusalFrame, formatRetryFrame } from '../event/sse-frame.js';
import type { WatchedStream } from '../response/acknowledgement-watch.js';
import type { ResponseSink, ResponseSinkListener } from '../response/response-sink.js';
import type { ConnectingClient } from './connecting-client.js';

/** The last frames of a connection that the hub ends. */
export interface CloseOptions {
  /** The application's own words, for the client and the registry. Default: the cause. */
  readonly reason?: string;
  /** The code of an `error` event that precedes the end. */
  readonly code?: string;
  /** More fields of that event. */
  readonly details?: object;
  /** ms after which the client shall return. Undefined: it shall stay away. */
  readonly retry: number | undefined;
}

/** When a connection is to end by itself. */
export interface Lifetime {
  /** ms since the epoch; Infinity: never. */
  readonly endsAt: number;
  readonly cause: 'expired' | 'max-age';
}

/** The collection that a connection belongs to. */
export interface ConnectionOwner {
  onBeat(connection: ClientConnection): void;
  onExpired(connection: ClientConnection): void;
  /** Ends the response behind its last frames. */
  end(connection: ClientConnection, cause: CloseCause): void;
  /** Called once. @param reason for the registry: the cause, or the application's own words */
  onClosed(connection: ClientConnection, cause: CloseCause, reason: string): void;
}

/** The data of a `position` event behind a change that the client has given a number. */
export interface ChannelsNotice {
  readonly change: number;
  readonly subscribed?: readonly string[];
  readonly unsubscribed?: readonly string[];
}

/**
 * The connection of one client: `opening`, then `open`, then `closed`. `close` is the only way to the last of these.
 */
export class ClientConnection implements HeartbeatTarget, ResponseSinkListener, WatchedStream {
  private state: 'opening' | 'open' | 'closed' = 'opening';
  private ownSubscriber: OpenSubscriber | undefined = undefined;
  private record: NewConnection | undefined = undefined;
  private cancelOpening: (() => void) | undefined = undefined;
  private lifetime: Lifetime | undefined = undefined;
  private askedAt = -Infinity;
  private askedIn = 0;
  private dismissed = false;
  /** The async context (`AsyncLocalStorage`) of its request, where the application decides about channels. */
  requestContext: AsyncResource | undefined = undefined;
  /** ms of `performance.now()`. */
  readonly beganAt = performance.now();
  private ownTcpKey: string | undefined = undefined;
  /** The last of the tasks that change the connection: each waits for the one before. */
  private turn: Promise<unknown> | undefined = undefined;

  constructor(
    readonly id: string,
    readonly client: ConnectingClient,
    /** The channels that its handler named. */
    readonly ownChannels: readonly string[],
    readonly user: string | undefined,
    readonly response: ResponseSink,
    /** The proof with which the client itself may change its channels. */
    private readonly secret: string | undefined,
    private readonly owner: ConnectionOwner,
  ) {
    response.listener = this;
  }

  get isClosed(): boolean {
    return this.state === 'closed';
  }

  /** Undefined until the connection is open. */
  get subscriber(): OpenSubscriber | undefined {
    return this.ownSubscriber;
  }

  /** The record of the connection in the registry, from its registration on. */
  get registration(): NewConnection | undefined {
    return this.record;
  }

  get channels(): string[] {
    return this.ownSubscriber?.channels ?? [];
  }

  /** The id that the client has: the last one sent, or the one of its request. */
  get lastId(): string | undefined {
    return this.ownSubscriber ? this.ownSubscriber.lastId : repeatableId(this.client.lastEventId);
  }

  /** The id in place of a position that keeps the client from returning. */
  get finalId(): string | undefined {
    return this.dismissed ? DISMISSED_ID : undefined;
  }

  /** Where its handler named none, others come and go, and the client may be put on more. */
  get endsWithChannels(): boolean {
    return this.ownChannels.length > 0;
  }

  /** ms since the epoch. */
  get endsAt(): number {
    return this.lifetime?.endsAt ?? Infinity;
  }

  get expiryCause(): Lifetime['cause'] {
    return this.lifetime?.cause ?? 'max-age';
  }

  /** When the application was last asked about the channels; ms of `performance.now()`, which is never set back. */
  get authorizedAt(): number {
    return this.askedAt;
  }

  /** The epoch of `Authorization` in which the application was last asked. */
  get authorizedIn(): number {
    return this.askedIn;
  }

  get tcpKey(): string | undefined {
    return this.ownTcpKey;
  }

  get bytesSent(): number {
    return this.response.bytesSent;
  }

  get hasQueue(): boolean {
    return this.response.hasQueue;
  }

  onSilent(cause: 'vanished' | 'stalled'): void {
    this.close(cause);
    this.response.abandon();
  }

  noteAuthorization(epoch: number): void {
    this.askedAt = performance.now();
    this.askedIn = epoch;
  }

  /** Runs a task that changes the connection after all earlier ones. The first is its opening. */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = (this.turn ?? Promise.resolve()).then(task);
    const turn = result.then(nothing, nothing);
    this.turn = turn;
    void turn.then(() => {
      if (this.turn === turn) this.turn = undefined;
    });
    return result;
  }

  /** Whether the client can change its channels. */
  get hasControl(): boolean {
    return this.secret !== undefined;
  }

  isSecret(secret: string): boolean {
    if (this.secret === undefined) return false;
    const [own, given] = [Buffer.from(this.secret), Buffer.from(secret)];
    return own.length === given.length && timingSafeEqual(own, given);
  }

  /** @returns the record for the registry */
  register(record: NewConnection): NewConnection {
    return (this.record = record);
  }

  /** @param cancel called if the connection is closed before `begin` */
  onCancel(cancel: () => void): void {
    if (this.isClosed) cancel();
    else this.cancelOpening = cancel;
  }

  /**
   * The connection is open, with a subscriber that catches up from now on.
   *
   * @param heartbeat ms between two positions, for a client that watches over its stream
   */
  begin(subscriber: OpenSubscriber, lifetime: Lifetime, heartbeat: number): void {
    this.state = 'open';
    this.cancelOpening = undefined;
    this.ownSubscriber = subscriber;
    this.lifetime = lifetime;
    this.ownTcpKey = this.response.getTcpKey();
    const { id: connection, secret, channels } = this;
    if (secret !== undefined) this.sendNow('control', { connection, secret, channels, heartbeat });
  }

  /** Sends the client an answer or a warning at once. The position of the client stays. */
  sendNow(type: 'error' | 'control', data: object): void {
    this.ownSubscriber?.sendNow(formatHubEvent(type, data));
  }

  /** Shows the client where in its stream a change of its channels has taken effect. From here on its id says what it has of these, too. */
  sendChange(notice: ChannelsNotice): void {
    if (!this.isClosed) this.ownSubscriber?.sendNow(formatHubEvent('position', notice));
  }

  beat(): void {
    this.ownSubscriber?.beat();
    this.owner.onBeat(this);
  }

  expire(): void {
    this.owner.onExpired(this);
  }

  onSinkEnded(): void {
    this.close('ended');
  }

  /** An interceptor or a handler ended the response. The client is sent its position first, so that it returns from there. */
  onSinkInterrupted(): void {
    if (this.isClosed) return;
    this.ownSubscriber?.beat();
    this.close('ended-by-application');
  }

  onSinkClosed(): void {
    this.close(this.response.stalled ? 'stalled' : 'left');
  }

  /** @param farewell the last frames, after which the response is ended. Undefined: the response has ended */
  close(cause: CloseCause, farewell?: CloseOptions): void {
    if (this.isClosed) return;
    const reason = farewell?.reason ?? cause;
    if (farewell) this.writeFarewell(reason, farewell);
    this.state = 'closed';
    this.cancelOpening?.();
    this.owner.onClosed(this, cause, reason);
    if (farewell) this.owner.end(this, cause);
  }

  /** A response that has not begun, or has closed, takes none of these frames. */
  private writeFarewell(reason: string, { code, details, retry }: CloseOptions): void {
    const id = this.lastId;
    if (code !== undefined) this.response.write(formatRefusalFrame(code, details, retry, id));
    else if (retry !== undefined) this.response.write(formatRetryFrame(retry, id));
    if (retry !== undefined) return;
    this.response.write(formatDismissalFrame(reason));
    this.dismissed = true;
  }
}

function nothing(): void {}
