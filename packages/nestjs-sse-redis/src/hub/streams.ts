import type { Broker } from '../broker/broker.interface.js';
import { parseEventId, type Position } from '../event/position.js';
import { Connection, type Start } from './connection.js';
import type { Feed } from './feed.js';
import type { Feeds } from './feeds.js';
import type { Figures } from './figures.js';
import type { Beating, Heartbeat } from './heartbeat.js';
import type { LogReader } from './log-reader.js';
import type { LostAnnouncements } from './lost-announcements.js';
import type { Outlet } from './outlet.js';

/** Where a stream starts. */
export interface StartOptions {
  /** The client's last event id, which goes before `rewind`. */
  readonly lastEventId?: string | undefined;
  /** For a newcomer: how many of the last events of its channels together it gets first. */
  readonly rewind?: number | undefined;
}

/** A client came to a channel with a position, before which it claims to have all. */
export interface Claim {
  readonly connection: Connection;
  readonly channel: string;
  readonly claimed: Position;
}

/** Who opens a stream. */
export interface Opener {
  /** Asked once the channels are subscribed: whether to go on. */
  ready?(): Promise<boolean>;
  /** It is open, unless it was closed meanwhile. What is given to the outlet from now on comes after what the connection gave. */
  opened?(connection: Connection): void;
  failed(error: unknown): void;
  /** What is called with each heartbeat, in the place of the connection. */
  readonly beating?: Beating;
  /** Where its deliveries are counted, if not with those of all others. */
  readonly figures?: Figures;
}

/** All open connections of this process, to clients and to code of the server: how one is opened, kept alive and closed. */
export class Streams {
  /** With what beats for them. */
  private readonly connections = new Map<Connection, Beating>();

  constructor(
    private readonly broker: Broker,
    private readonly feeds: Feeds,
    private readonly reader: LogReader,
    private readonly heartbeat: Heartbeat,
    private readonly figures: Figures,
    private readonly lost: LostAnnouncements,
  ) {}

  /**
   * Opens a connection to any outlet.
   *
   * @returns what closes it. Who keeps it for long does better to `close` the connection, once it is open
   */
  open(channels: readonly string[], start: StartOptions, outlet: Outlet, opener: Opener): () => void {
    let connection: Connection | undefined;
    let feeds: readonly Feed[] = [];
    let closed = false;
    const begin = async (): Promise<void> => {
      feeds = await this.feeds.acquire(channels);
      // After the acknowledgements: what is published between this position and them would be lost.
      const from = await this.startOf(channels, start);
      if (closed || (opener.ready && !(await opener.ready())) || closed) return;
      // Looked up last: whatever is found from here on is told to the connections that there are.
      const lost = from.resumed ? this.lost.gapsFor(channels, from.cursor) : undefined;
      const { link } = this.feeds;
      const { figures = this.figures } = opener;
      connection = new Connection(feeds, outlet, link, this.reader, figures, { ...from, lost });
      // A stream that had ended before its client came back is over as it begins.
      if (closed) return connection.close();
      feeds = [];
      this.connections.set(connection, opener.beating ?? connection);
      this.heartbeat.add(opener.beating ?? connection);
      opener.opened?.(connection);
    };
    const release = (): void => {
      for (const feed of feeds) this.feeds.release(feed);
      feeds = [];
    };
    // Where it was not opened, or was closed meanwhile.
    void begin()
      .catch((error: unknown) => opener.failed(error))
      .finally(release);
    return () => {
      closed = true;
      if (connection) this.close(connection);
      else release();
    };
  }

  close(connection: Connection): void {
    const beating = this.connections.get(connection);
    if (!beating) return;
    this.connections.delete(connection);
    this.heartbeat.remove(beating);
    connection.close();
    for (const feed of connection.feeds) this.feeds.release(feed);
  }

  /** Channels that are new to a connection. What is published from now on is for it. @param after a position before which it has all */
  async add(connection: Connection, channels: readonly string[], after: Position | undefined): Promise<void> {
    const feeds = await this.feeds.acquire(channels);
    try {
      const now = await this.feeds.lastPosition();
      if (!this.connections.has(connection)) throw new Error('closed meanwhile');
      // A position that was not given out yet is none at which the client can have stood.
      const past = after !== undefined && after <= Math.max(now, this.feeds.link.known);
      const lost = past ? this.lost.gapsFor(channels, after) : undefined;
      for (const gap of lost ?? []) connection.tellLoss(gap);
      for (const feed of feeds) connection.add(feed, past ? after : now, past);
    } catch (error) {
      for (const feed of feeds) this.feeds.release(feed);
      throw error;
    }
  }

  remove(connection: Connection, channels: readonly string[]): void {
    for (const feed of connection.feeds.filter(({ channel }) => channels.includes(channel))) {
      connection.remove(feed);
      this.feeds.release(feed);
    }
  }

  /** The claims of open connections on some channels. */
  claimsOn(channels: ReadonlySet<string>): Claim[] {
    const claims: Claim[] = [];
    for (const connection of this.connections.keys()) {
      if (!connection.hasClaims) continue;
      for (const feed of connection.feeds) {
        const claimed = channels.has(feed.channel) ? connection.claimOf(feed) : undefined;
        if (claimed !== undefined) claims.push({ connection, channel: feed.channel, claimed });
      }
    }
    return claims;
  }

  linkLost(): void {
    for (const connection of this.connections.keys()) connection.linkLost();
  }

  linkRestored(position: Position): void {
    for (const connection of this.connections.keys()) connection.linkRestored(position);
  }

  /** Ends them all. */
  stop(): void {
    for (const connection of this.connections.keys()) connection.end();
  }

  private async startOf(channels: readonly string[], { lastEventId, rewind }: StartOptions): Promise<Start> {
    const claimed = lastEventId === undefined ? undefined : parseEventId(lastEventId);
    // In a storm of clients that come back, nobody has to ask.
    if (claimed !== undefined && claimed <= this.feeds.link.known) return { cursor: claimed, resumed: true };
    const last = await this.feeds.lastPosition();
    if (lastEventId === undefined) {
      return { cursor: rewind ? await this.broker.rewind(channels, rewind) : last, resumed: false };
    }
    if (claimed !== undefined && claimed <= last) return { cursor: claimed, resumed: true };
    // Of another deployment, or of data that Redis has lost: what lies between is not known.
    return { cursor: last, resumed: false, gapFrom: claimed ?? null };
  }
}
