import { MAX_OWED } from '../event/last-event-id.js';
import { setTimeout as delay } from 'node:timers/promises';
import {
  NO_STATE,
  type Broker,
  type DataLine,
  type IsState,
  type LogRange,
} from '../broker/broker.interface.js';
import type { EventRecord } from '../event/event-record.js';
import { toMs, type Position } from '../event/position.js';
import { EventRing } from './event-ring.js';
import { Feed } from './feed.js';
import type { HubCounters } from './hub-counters.js';
import { Lines } from './lines.js';
import type { CreateGroup } from './broadcast-group.js';
import type { SubscriptionState } from './subscription-state.js';
import { LOSSES_CHANNEL, type MissedRange } from './losses/loss.js';

/** Memory for the recent events of all channels of this process: of 256 bytes, those of the three seconds after which a browser returns, at 3,000 a second. */
export const RECENT_BYTES = 4 * 1_048_576;

/** How often it is looked whether an event was announced: only while the process shuts down. */
const WAIT_STEP_MS = 5;

const UNKNOWN_LINE: DataLine = { forks: [], line: 0, serverStart: '', since: 0 };

interface Use {
  readonly feed: Feed;
  /** Resolves with a position from after the acknowledgement; undefined where the link was lost meanwhile. */
  readonly ready: Promise<Position | undefined>;
  isReady: boolean;
  /** How many hold the feed. */
  count: number;
}

/** The feeds of some channels. */
export interface Acquired {
  readonly feeds: Feed[];
  /** The last position given out when all of them heard what is published; undefined where it has to be asked for. */
  readonly position: Position | undefined;
}

/** The feeds of this process: one a channel, as long as somebody here listens to it. */
export class Feeds {
  readonly lines = new Lines(() => this.broker.line);
  readonly link: SubscriptionState;
  private upSince = Date.now();
  /** How often the link was lost. */
  losses = 0;
  private positionAsked: Promise<Position> | undefined;
  private readonly uses = new Map<string, Use>();

  /** A later announcement tells that those of a range were lost. */
  onMissed: MissedRange = () => undefined;
  /** This range of a channel was heard whole, unless announcements were lost, and nothing more is known of it. */
  onForgotten: (range: LogRange) => void = () => undefined;

  /** Nobody here listens to a channel any more, of which events were heard up to a position. */
  onReleased: (channel: string, newest: Position) => void = () => undefined;

  /** A channel or a position is asked for: somebody is about to listen. */
  onNeeded: () => void = () => undefined;
  /** No event of any channel lies between this position and the watermark; infinite where nothing of the kind is known. */
  private lastEvent: Position = Infinity;

  /** When the watermark was last heard, in ms since the epoch, if it was since the link is up. */
  provenAt: number | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly counters: HubCounters,
    private readonly createGroup: CreateGroup,
    /** One for all shards. */
    private readonly ring = new EventRing(RECENT_BYTES),
    /** How many shards the hub has: the id of a client has an entry of each, and its length has a limit. */
    shards = 1,
    readonly isState: IsState = NO_STATE,
  ) {
    this.link = {
      up: false,
      watermark: 0,
      lastAnnounced: 0,
      lastAssigned: 0,
      toId: this.lines.toId,
      mostOwed: Math.ceil(MAX_OWED / shards),
    };
  }

  /** When it was last known that announcements arrive: proven, or the link just made; ms since the epoch. */
  get upOrProvenAt(): number {
    return this.provenAt ?? this.upSince;
  }

  /** Besides that which every node follows. */
  get size(): number {
    return this.uses.size - (this.uses.has(LOSSES_CHANNEL) ? 1 : 0);
  }

  *all(): Iterable<Feed> {
    for (const { feed } of this.uses.values()) yield feed;
  }

  /** @param losses how often the link had been lost when the feed was looked at: since then it has been heard without a break */
  has(feed: Feed, losses: number): boolean {
    return losses === this.losses && this.uses.get(feed.channel)?.feed === feed;
  }

  /** The part of a channel's log whose announcements have all arrived, and brought no event; undefined if there is none. */
  announcedRange({ channel, lastAnnounced: seen, auditedUpTo }: Feed): LogRange | undefined {
    const { lastAnnounced: heard, watermark } = this.link;
    // Nothing was published since the channel's last event, or since it was last looked at.
    if (heard <= watermark && Math.max(seen, auditedUpTo) >= this.lastEvent) return undefined;
    return seen > 0 && heard > seen ? { channel, after: seen, upTo: heard } : undefined;
  }

  /** The last position given out. The same question for all who ask while it is on its way: it may be a little old. */
  lastPosition(): Promise<Position> {
    return (this.positionAsked ??= this.currentPosition().finally(() => (this.positionAsked = undefined)));
  }

  /**
   * Takes hold of the feeds of some channels, and resolves when all of them hear what is published.
   *
   * @throws RedisUnavailableError, holding none
   */
  async acquire(channels: readonly string[]): Promise<Acquired> {
    const { losses } = this;
    const uses = channels.map((channel) => this.use(channel));
    // The others were subscribed to before this call, and their positions are of that time.
    const begun = uses.filter(({ isReady }) => !isReady);
    const results = await Promise.allSettled(begun.map(({ ready }) => ready));
    const positions: (Position | undefined)[] = [];
    for (const result of results) {
      if (result.status === 'fulfilled') positions.push(result.value);
      else {
        for (const use of uses) this.release(use.feed);
        throw result.reason;
      }
    }
    const isKnown = positions.length > 0 && losses === this.losses && !positions.includes(undefined);
    return {
      feeds: uses.map(({ feed }) => feed),
      position: isKnown ? Math.max(...(positions as Position[])) : undefined,
    };
  }

  release(feed: Feed): void {
    const use = this.uses.get(feed.channel);
    if (use?.feed !== feed || --use.count > 0) return;
    this.uses.delete(feed.channel);
    this.broker.unsubscribe(feed.channel);
    this.forget(feed);
    const newest = this.link.up ? feed.newestHeard : feed.newestBefore;
    if (newest > 0) this.onReleased(feed.channel, newest);
  }

  announced(channel: string, record: EventRecord): void {
    this.noteAnnounced(record.position);
    const feed = this.uses.get(channel)?.feed;
    if (!feed) return;
    feed.receive(record);
    this.counters.observeLatency(Date.now() - toMs(record.position));
  }

  watermark(position: Position, lastEvent = Infinity): void {
    this.provenAt = Date.now();
    this.link.watermark = position;
    this.lastEvent = lastEvent;
    // A proof without a probe may be older than the last announcement.
    this.noteAnnounced(Math.max(position, this.link.lastAnnounced));
  }

  linkLost(): void {
    this.losses++;
    for (const feed of this.all()) {
      this.forget(feed);
      feed.auditedUpTo = 0;
    }
    this.lastEvent = Infinity;
    this.provenAt = undefined;
    const { up: wasUp } = this.link;
    this.link.up = false;
    this.link.watermark = this.link.lastAnnounced = this.link.lastAssigned = 0;
    for (const feed of this.all()) feed.linkLost(wasUp);
  }

  /** @returns where the data forked behind which the listeners have heard another line */
  linkRestored(position: Position, line: DataLine = UNKNOWN_LINE): Position | undefined {
    this.link.up = true;
    this.upSince = Date.now();
    this.noteAssigned(position);
    for (const feed of this.all()) feed.linkRestored(position);
    return this.lines.restored(line);
  }

  private forget(feed: Feed): void {
    const range = this.announcedRange(feed);
    if (range) this.onForgotten(range);
  }

  /**
   * Resolves when the listeners of this process have been given these events, so far as the link lets them.
   *
   * @param timeout ms after which they are not waited for
   */
  async waitFor(events: readonly { channel: string; position: Position }[], timeout: number): Promise<void> {
    const until = performance.now() + timeout;
    const isAwaited = ({ channel, position }: { channel: string; position: Position }): boolean => {
      const feed = this.uses.get(channel)?.feed;
      return feed !== undefined && feed.lastAnnounced < position;
    };
    while (this.link.up && performance.now() < until && events.some(isAwaited)) await delay(WAIT_STEP_MS);
  }

  /** The last position given out, after everything that was published before the call. @throws RedisUnavailableError */
  async currentPosition(): Promise<Position> {
    this.onNeeded();
    const { losses } = this;
    const position = await this.broker.position();
    if (losses === this.losses) this.noteAssigned(position);
    return position;
  }

  private noteAnnounced(position: Position): void {
    this.link.lastAnnounced = position;
    this.noteAssigned(position);
  }

  private noteAssigned(position: Position): void {
    if (position > this.link.lastAssigned) this.link.lastAssigned = position;
  }

  private use(channel: string): Use {
    const known = this.uses.get(channel);
    if (known) {
      known.count++;
      return known;
    }
    if (channel !== LOSSES_CHANNEL) this.onNeeded();
    const feed = new Feed(
      channel,
      this.link,
      this.counters,
      this.ring,
      this.createGroup,
      this.onMissed,
      this.isState(channel),
    );
    const { losses } = this;
    const ready = this.broker.subscribe(channel).then(
      (position) => {
        // The position of a link that is gone says nothing of the one that came, or comes, in its place.
        use.isReady = true;
        if (losses !== this.losses) return undefined;
        feed.ready(position);
        this.noteAssigned(position);
        return position;
      },
      (error: unknown) => {
        // Whoever comes next tries again instead of getting this failure; or has come already, after this was let go.
        if (this.uses.get(channel)?.feed === feed) {
          this.uses.delete(channel);
          this.broker.unsubscribe(channel);
        }
        throw error;
      },
    );
    const use: Use = { feed, ready, isReady: false, count: 1 };
    this.uses.set(channel, use);
    return use;
  }
}
