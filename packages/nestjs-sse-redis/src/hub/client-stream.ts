import { timingSafeEqual } from 'node:crypto';
import type { NewConnection } from '../broker/registry-store.interface.js';
import { formatHubEvent } from '../event/event-text.js';
import { repeatableId } from '../event/last-event-id.js';
import { DISMISSED_ID } from '../event/position.js';
import type { ConnectingClient, ResponseListener, ResponseStream } from './connecting-client.js';
import type { Connection } from './connection.js';
import { dismissalFrame, refusalFrame, retryFrame } from './frames.js';
import type { Beating } from './heartbeat.js';

/** How a stream ends. */
export interface Farewell {
  /** For the registry, and the figures. */
  readonly reason: string;
  /** Told to the client in an `error` event. */
  readonly code?: string;
  /** More of that event. */
  readonly details?: object;
  /** ms until it is to come back; without it, it is to stay away. */
  readonly retry: number | undefined;
}

/** What a stream asks of the one who keeps all of them. */
export interface StreamKeeper {
  beaten(stream: ClientStream): void;
  expired(stream: ClientStream): void;
  closed(stream: ClientStream, reason: string): void;
}

/** The stream of one client: its response, its connection, and what is known of it in the registry. */
export class ClientStream implements Beating, ResponseListener {
  connection: Connection | undefined = undefined;
  /** While it is being opened: what breaks that off. */
  cancel: (() => void) | undefined = undefined;
  /** What the registry knows of it, from when it was registered. */
  registered: NewConnection | undefined = undefined;
  /** ms since the epoch. */
  authorizedAt = 0;
  /** At which restoration of the link it was last asked for. */
  authorizedIn = 0;
  /** When it is to end; ms since the epoch. */
  endsAt = Infinity;
  /** Why then. */
  endsFor: 'expired' | 'max age' = 'max age';
  finalId: string | undefined = undefined;
  private closedFor: string | undefined = undefined;
  /** What is done to it is done in turn: its opening first. */
  private turn: Promise<unknown> | undefined = undefined;

  constructor(
    readonly id: string,
    readonly client: ConnectingClient,
    readonly user: string | undefined,
    readonly response: ResponseStream,
    /** With it the client itself may change its channels. */
    private readonly secret: string | undefined,
    private readonly keeper: StreamKeeper,
  ) {
    response.stream = this;
  }

  get isClosed(): boolean {
    return this.closedFor !== undefined;
  }

  get channels(): string[] {
    return this.connection?.feeds.map(({ channel }) => channel) ?? [];
  }

  /** Runs what changes the stream after everything that does so already. */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = (this.turn ?? Promise.resolve()).then(task);
    const turn = result.then(nothing, nothing);
    this.turn = turn;
    void turn.then(() => {
      if (this.turn === turn) this.turn = undefined;
    });
    return result;
  }

  /** The id that the client has: what it was told last, or what it came with. */
  get lastId(): string | undefined {
    return this.connection ? this.connection.lastId : repeatableId(this.client.lastEventId);
  }

  isSecret(secret: string): boolean {
    if (this.secret === undefined) return false;
    const [own, given] = [Buffer.from(this.secret), Buffer.from(secret)];
    return own.length === given.length && timingSafeEqual(own, given);
  }

  ended(): void {
    this.close('ended');
  }

  /** As with a heartbeat the client is told where it stands, so that it comes back from there. */
  interrupted(): void {
    if (this.isClosed) return;
    this.connection?.beat();
    this.close('ended-by-application');
  }

  left(): void {
    this.close(this.response.stalled ? 'stalled' : 'left');
  }

  beat(): void {
    this.connection?.beat();
    this.keeper.beaten(this);
  }

  expire(): void {
    this.keeper.expired(this);
  }

  /** Tells the client of something that it asked for, or must know; its position stays. */
  tell(type: 'error' | 'control', data: object): void {
    this.connection?.tell(formatHubEvent(type, data));
  }

  /** Tells the client how it may change its channels. */
  tellControl(): void {
    if (this.secret !== undefined) this.tell('control', { connection: this.id, secret: this.secret });
  }

  /** The last words, and the end. */
  end({ reason, code, details, retry }: Farewell): void {
    if (this.isClosed) return;
    // A client that has gone already, or whose response has not begun, takes none of it.
    const id = this.lastId;
    if (code !== undefined) this.response.write(refusalFrame(code, details, retry, id));
    else if (retry !== undefined) this.response.write(retryFrame(retry, id));
    if (retry === undefined) {
      this.response.write(dismissalFrame(reason));
      this.finalId = DISMISSED_ID;
    }
    this.close(reason);
    this.response.end();
  }

  /** It is over. */
  close(reason: string): void {
    if (this.isClosed) return;
    this.closedFor = reason;
    this.cancel?.();
    this.keeper.closed(this, reason);
  }
}

function nothing(): void {}
