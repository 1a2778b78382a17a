import type { Broker } from '../broker/broker.interface.js';
import type { LinePosition, Position } from '../event/position.js';
import type { StartPosition } from './start-position.js';
import { withMaps } from './start-maps.js';
import { StartResolver } from './start-resolver.js';
import { Subscriber } from './subscriber.js';
import type { Feed } from './feed.js';
import type { Feeds } from './feeds.js';
import type { HubCounters } from './hub-counters.js';
import type { HeartbeatTarget, Heartbeat } from './heartbeat.js';
import type { LogReader } from './log-reader.js';
import type { KnownLosses } from './losses/known-losses.js';
import type { Beginning } from './losses/loss.js';
import type { EventSink } from './event-sink.js';
import type { OpenCallbacks, ShardStart, StartOptions, SubscriberPool } from './open-subscriber.interface.js';

/** The channels of a connection that is about to be opened. */
export interface Prepared {
  readonly channels: readonly string[];
  readonly feeds: readonly Feed[];
  readonly from: StartPosition;
  /** Where it begins, and on which line. */
  readonly place: LinePosition;
  /** Of the lines of the data when it was found. */
  readonly revision: number;
}

/** Where an open connection began on a channel. */
export interface Begun extends Beginning {
  readonly subscriber: Subscriber;
  readonly channel: string;
}

/** How a subscriber begins. */
export interface BeginOptions {
  /** Default: those of all. */
  readonly counters?: HubCounters | undefined;
  /** ms until the client is to come back after a loss. */
  readonly retry?: number | undefined;
  /** It delivers nothing until `resume`. */
  readonly isPaused?: boolean | undefined;
}

/** All open connections of this process, to clients and to code of the server: how one is opened, kept alive and closed. */
export class Subscribers implements SubscriberPool {
  /** With what beats for them. */
  private readonly subscribers = new Map<Subscriber, HeartbeatTarget | undefined>();
  private readonly starts: StartResolver;

  constructor(
    broker: Broker,
    private readonly feeds: Feeds,
    private readonly reader: LogReader,
    private readonly heartbeat: Heartbeat,
    private readonly counters: HubCounters,
    private readonly lost: KnownLosses,
  ) {
    this.starts = new StartResolver(broker, feeds);
  }

  open(channels: readonly string[], start: StartOptions, sink: EventSink, opener: OpenCallbacks): () => void {
    let subscriber: Subscriber | undefined;
    let closed = false;
    const begin = async (): Promise<void> => {
      let prepared = await this.prepare(channels, start);
      try {
        if (closed || (opener.ready && !(await opener.ready())) || closed) return this.release(prepared);
        while (this.isStale(prepared)) {
          const again = await this.prepare(channels, { ...start, earlier: prepared.place });
          this.release(prepared);
          prepared = again;
          if (closed) return this.release(prepared);
        }
      } catch (error) {
        this.release(prepared);
        throw error;
      }
      subscriber = this.begin(prepared, sink, {
        counters: opener.counters,
        retry: opener.retry?.(),
        isPaused: opener.isPaused?.(),
      });
      // A stream that had ended before its client came back is over as it begins.
      if (closed) return this.discard(subscriber);
      this.keep(subscriber, opener.heartbeatTarget ?? subscriber);
      opener.opened?.(subscriber);
    };
    void begin().catch((error: unknown) => opener.failed(error));
    return () => {
      closed = true;
      if (subscriber) this.close(subscriber);
    };
  }

  /**
   * Takes hold of the channels of a connection, and finds where it starts.
   *
   * @returns to be handed to `begin`, or to `release`
   */
  async prepare(channels: readonly string[], start: ShardStart): Promise<Prepared> {
    const { lines } = this.feeds;
    const { revision } = lines;
    const { feeds, position } = await this.feeds.acquire(channels);
    try {
      // After the acknowledgements: what is published between this position and them would be lost.
      const from = await this.starts.resolve(channels, start, position);
      const place = { position: from.cursor, line: lines.lineOf(from.cursor) };
      return { channels, feeds, revision, place, from: withMaps(from, feeds, this.feeds.link) };
    } catch (error) {
      this.release({ feeds });
      throw error;
    }
  }

  /** Whether the data may have forked since: the link tells only connections that have begun. It is to be prepared again. */
  isStale({ revision }: Prepared): boolean {
    return revision !== this.feeds.lines.revision;
  }

  release({ feeds }: Pick<Prepared, 'feeds'>): void {
    for (const feed of feeds) this.feeds.release(feed);
  }

  /** The subscriber catches up from now on. */
  begin(
    { channels, feeds, from }: Prepared,
    sink: EventSink,
    { counters = this.counters, retry, isPaused }: BeginOptions,
  ): Subscriber {
    const { link } = this.feeds;
    // Looked up last: whatever is found from here on is told to the connections that there are.
    const start = withMaps(this.withLosses(channels, from), feeds, link);
    return new Subscriber(feeds, sink, link, this.reader, counters, start, retry, isPaused);
  }

  /** @param heartbeatTarget undefined where something else lets it beat */
  keep(subscriber: Subscriber, heartbeatTarget: HeartbeatTarget | undefined): void {
    this.subscribers.set(subscriber, heartbeatTarget);
    if (heartbeatTarget) this.heartbeat.add(heartbeatTarget);
  }

  /** Closes one that was not kept. */
  discard(subscriber: Subscriber): void {
    subscriber.close();
    this.release(subscriber);
  }

  close(subscriber: Subscriber): void {
    if (!this.subscribers.has(subscriber)) return;
    const heartbeatTarget = this.subscribers.get(subscriber);
    this.subscribers.delete(subscriber);
    if (heartbeatTarget) this.heartbeat.remove(heartbeatTarget);
    this.discard(subscriber);
  }

  async add(
    subscriber: Subscriber,
    channels: readonly string[],
    after: LinePosition | undefined,
  ): Promise<void> {
    const { feeds, position } = await this.feeds.acquire(channels);
    try {
      // Another process may have given the client its position since an earlier caller asked.
      const now = after
        ? await this.feeds.currentPosition()
        : (position ?? (await this.feeds.lastPosition()));
      if (!this.subscribers.has(subscriber)) throw new Error('closed meanwhile');
      // A position that was not given out yet is none at which the client can have stood.
      const head = Math.max(now, this.feeds.link.lastAssigned);
      if (after) this.feeds.lines.checkReplaced(after, head);
      const past = after && this.starts.isKnown(after, head) ? after.position : undefined;
      const left = past === undefined ? undefined : this.feeds.lines.leftAt(after!);
      const isUnknown = after !== undefined && past === undefined;
      const lost = this.lost.gapsFor(channels, past);
      for (const channel of channels) {
        if (this.feeds.isState(channel)) continue;
        if (isUnknown) subscriber.sendLossGap({ channel, from: null, to: now }, 'unknown-id');
        else if (left !== undefined) subscriber.sendLossGap({ channel, from: left, to: past! }, 'failover');
      }
      for (const { cause, ...gap } of lost)
        if (!this.feeds.isState(gap.channel)) subscriber.sendLossGap(gap, cause);
      for (const feed of feeds) {
        const isWhole = past !== undefined && left === undefined;
        if (feed.isState && (!isWhole || lost.some(({ channel }) => channel === feed.channel)))
          addMap(subscriber, feed, now);
        else subscriber.add(feed, left ?? past ?? now, past !== undefined);
      }
      subscriber.sendOwedPosition();
    } catch (error) {
      for (const feed of feeds) this.feeds.release(feed);
      throw error;
    }
  }

  remove(subscriber: Subscriber, channels: readonly string[]): void {
    for (const feed of subscriber.feeds.filter(({ channel }) => channels.includes(channel))) {
      subscriber.remove(feed);
      this.feeds.release(feed);
    }
  }

  /** Where open connections began on some channels. */
  getBegun(channels: ReadonlySet<string>): Begun[] {
    const begun: Begun[] = [];
    for (const subscriber of this.subscribers.keys()) {
      for (const feed of subscriber.feeds) {
        if (!channels.has(feed.channel)) continue;
        begun.push({ subscriber, channel: feed.channel, ...subscriber.getBeginning(feed) });
      }
    }
    return begun;
  }

  retryTime(): Promise<void> {
    return this.reader.retryTime();
  }

  linkLost(): void {
    for (const subscriber of this.subscribers.keys()) subscriber.linkLost();
  }

  /**
   * Sets all of them to where they go on. They catch up when that is asked for.
   *
   * @param forkedAt where the data forked behind which they have heard another line
   */
  linkRestored(position: Position, forkedAt: Position | undefined): void {
    for (const subscriber of this.subscribers.keys()) subscriber.linkRestored(position, forkedAt);
    if (forkedAt !== undefined) for (const feed of this.feeds.all()) feed.newestBefore = 0;
  }

  catchUp(): void {
    for (const subscriber of this.subscribers.keys()) subscriber.catchUp();
  }

  /** Ends them all. */
  stop(): void {
    for (const subscriber of this.subscribers.keys()) subscriber.stop();
  }

  /** A client that returns may come from a node that did not hear of an event before its position. */
  private withLosses(channels: readonly string[], start: StartPosition): StartPosition {
    if (this.lost.size === 0) return start;
    if (!start.resumed) {
      const claims = [...(start.claims ?? [])];
      const gaps = claims.flatMap(([channel, position]) => this.lost.gapsFor([channel], position));
      return gaps.length === 0
        ? start
        : { ...start, gaps: [...(start.gaps ?? []), ...gaps], sentId: undefined };
    }
    const whole = channels.filter((channel) => !start.owed?.has(channel));
    // What a failover lost is in no log: there the late reading brings nothing.
    const owed = channels.flatMap((channel) => {
      if (!start.owed?.has(channel)) return [];
      return this.lost.gapFor(channel, { position: start.cursor, isReturn: false, isOwed: true }) ?? [];
    });
    return { ...start, gaps: [...(start.gaps ?? []), ...this.lost.gapsFor(whole, start.cursor), ...owed] };
  }
}

/** Adds a state channel, whose map the client gets first. @param now a position at which the channel was heard */
function addMap(subscriber: Subscriber, feed: Feed, now: Position): void {
  subscriber.add(feed, now, false);
  // Of a state channel that brings the map.
  subscriber.sendLossGap({ channel: feed.channel, from: null, to: now }, 'unknown-id');
}
