import type { Broker, LogExtent, LogRange } from '../../broker/broker.interface.js';
import type { Position } from '../../event/position.js';
import type { Feed } from '../feed.js';
import type { Feeds } from '../feeds.js';
import type { Loss } from './loss.js';

/**
 * Each round begins when the last one is over, and a channel's place in it depends on what comes and goes: between two
 * looks at a channel lie two rounds at most. The third is for the watermark, which may come just after a look.
 */
const ROUNDS_PER_INTERVAL = 3;
/** Channels that one step looks at, whether Redis has to be asked for them or not. Ranges count as channels. Each of both is rounded up. */
const CHANNELS_PER_STEP = 100;
/** Ranges that wait while Redis does not answer. More of them are dropped, and what was lost in them is not found. */
const MOST_WAITING = 200_000;

/** A range of a log that a node has heard whole, unless announcements were lost. */
interface Check extends LogRange {
  upTo: Position;
  /** It is a live feed's, which is to be repaired. */
  readonly feed?: Feed;
  /** Of the link, when the feed was looked at. */
  readonly losses?: number;
  /** Where there is no feed to repair: from here on ids were sent only after a repair. */
  readonly until?: number;
  /** A later announcement has told of the loss; only where it begins is still to be found. */
  readonly isLost?: boolean;
}

/**
 * Finds announcements that were lost on a link that stayed up, where no later one of the channel tells of them.
 *
 * Announcements arrive in the order of their positions. So whatever the link has brought last proves that all before it
 * has arrived: a log must not have an event after the last one announced of its channel and up to that position. The
 * answer may come at any time, since it is about what had arrived when the question was asked.
 */
export class Audit {
  /** Feeds that this round has still to look at. */
  private left: Feed[] = [];
  /** Feeds of this round. */
  private size = 0;
  /** Ranges of feeds that are gone, or whose link is. */
  private waiting: Check[] = [];
  /** Ranges that waited as this round began, and that it has still to ask about. */
  private owed = 0;
  /** The most ranges that waited in this round. */
  private mostWaited = 0;
  /** Redis did not answer the last time. */
  private isAway = false;
  private soon: Check[] | undefined;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param interval ms within which a loss is found
   * @param found called with losses, once their feeds are being repaired
   */
  constructor(
    private readonly broker: Broker,
    private readonly feeds: Feeds,
    private readonly interval: number,
    private readonly found: (losses: readonly Loss[]) => void,
  ) {
    feeds.onMissed = (range, until) => this.locate({ ...range, until, isLost: true });
    // Written out: an object that is spread into another has a hidden class of its own in V8, which takes four times its room.
    feeds.onForgotten = ({ channel, after, upTo }) => this.wait([{ channel, after, upTo, until: upTo + 1 }]);
  }

  start(): void {
    this.plan(this.interval / ROUNDS_PER_INTERVAL);
  }

  /** Looks at everything once more. @returns when it is done, or Redis does not answer */
  async finish(): Promise<void> {
    clearTimeout(this.timer);
    const rest = this.waiting.splice(0).concat(this.soon?.splice(0) ?? []);
    await this.run([...rest, ...[...this.feeds.all()].flatMap((feed) => this.toCheck(feed) ?? [])]);
  }

  /** Behind a fork of the data other events have the positions that were heard: they were announced to nobody here. */
  forkedAt(from: Position): void {
    this.waiting = this.waiting.filter(({ after }) => after < from);
    for (const check of this.waiting) check.upTo = Math.min(check.upTo, from);
  }

  private plan(ms: number): void {
    this.timer = setTimeout(() => this.step(), ms);
    this.timer.unref();
  }

  /**
   * A round's steps are spread over its time. Ranges that come meanwhile make it more steps, and each step takes its part of both: else
   * ranges would keep the round from its feeds where channels come and go, or a few ranges would wait for ever beside many feeds.
   */
  private step(): void {
    if (this.left.length === 0 && (this.owed <= 0 || this.waiting.length === 0)) this.beginRound();
    // Steps that became fewer with the ranges that still wait would come ever later.
    this.mostWaited = Math.max(this.mostWaited, this.waiting.length);
    const steps = Math.max(1, Math.ceil((this.size + this.mostWaited) / CHANNELS_PER_STEP));
    const looks = Math.ceil(this.size / steps);
    const checks = this.waiting.splice(0, Math.ceil(this.mostWaited / steps));
    this.owed -= checks.length;
    // A step that went on until it had something to ask would look at all channels where they are quiet.
    const looked = this.left.splice(-looks, looks);
    checks.push(...looked.flatMap((feed) => this.toCheck(feed) ?? []));
    // One question tells as well as all of them whether Redis is back.
    const waits = this.isAway && checks.length > 0;
    this.plan(this.interval / ROUNDS_PER_INTERVAL / (waits ? 1 : steps));
    void this.run(checks);
  }

  private beginRound(): void {
    this.left = [...this.feeds.all()];
    this.size = this.left.length;
    this.owed = this.mostWaited = this.waiting.length;
  }

  /** Undefined where there is nothing to look at: the feed is not ready, is released, or the link has brought nothing newer. */
  private toCheck(feed: Feed): Check | undefined {
    const { losses } = this.feeds;
    const range = this.feeds.announcedRange(feed);
    return range && this.feeds.has(feed, losses) ? { ...range, feed, losses } : undefined;
  }

  /** At once, together with all others of this turn. */
  private locate(check: Check): void {
    if (!this.soon) {
      this.soon = [];
      setImmediate(() => {
        const checks = this.soon!;
        this.soon = undefined;
        void this.run(checks);
      });
    }
    this.soon.push(check);
  }

  private wait(checks: readonly Check[]): void {
    for (const check of checks) if (this.waiting.length < MOST_WAITING) this.waiting.push(check);
  }

  private async run(checks: readonly Check[]): Promise<void> {
    if (checks.length === 0) return;
    const extents = await this.broker.extents(checks).catch(() => undefined);
    this.isAway = !extents;
    // What logs of another line have was announced to nobody on this link.
    if (!extents || this.feeds.lines.isLinkElsewhere) {
      // Feeds are looked at in the next round; nothing but these ranges knows of those that are gone.
      this.wait(checks.filter(({ feed }) => !feed));
      return;
    }
    const losses = checks.flatMap((check, i) => this.conclude(check, extents[i]) ?? []);
    if (losses.length > 0) this.found(losses);
  }

  private conclude(check: Check, extent: LogExtent | undefined): Loss | undefined {
    if (check.feed) {
      if (extent) return this.repair(check, check.feed, extent);
      if (this.feeds.has(check.feed, check.losses!)) check.feed.auditedUpTo = check.upTo;
      return undefined;
    }
    if (!extent && !check.isLost) return undefined;
    const { channel, after, upTo } = check;
    // It is gone from the log, or has been trimmed: it may have been anywhere in the range.
    const { first, last } = extent ?? { first: after + 1, last: upTo };
    return { channel, after, first, last, until: check.until! };
  }

  private repair(
    { channel, after, losses }: Check,
    feed: Feed,
    { first, last }: LogExtent,
  ): Loss | undefined {
    // What has become of the feed meanwhile was a reason to look at its range once more.
    if (!this.feeds.has(feed, losses!)) return undefined;
    // A later announcement has told of it meanwhile.
    if (feed.lastAnnounced >= last) return undefined;
    feed.announcementsLost(last);
    return { channel, after, first, last, until: this.feeds.link.lastAnnounced + 1 };
  }
}
