import type {
  Broker,
  BrokerListener,
  IsState,
  Publication,
  Published,
  PublishOutcome,
} from '../../broker/broker.interface.js';
import { idOfPublished } from '../../broker/forks.js';
import type { Position } from '../../event/position.js';
import type { CreateGroup } from '../broadcast-group.js';
import type { EventRing } from '../event-ring.js';
import { Feeds } from '../feeds.js';
import type { Heartbeat } from '../heartbeat.js';
import { HubCounters } from '../hub-counters.js';
import { LogReader } from '../log-reader.js';
import { Acknowledged } from '../losses/acknowledged.js';
import { KnownLosses } from '../losses/known-losses.js';
import { LOSS_EVENTS } from '../losses/loss-log.js';
import { LossWatch } from '../losses/loss-watch.js';
import { LOSSES_CHANNEL } from '../losses/loss.js';
import { observeChannel, type Lifecycle } from '../observe-channel.js';
import { Subscribers } from '../subscribers.js';

/** What the shards of a process share. */
export interface ShardParts {
  readonly counters: HubCounters;
  readonly heartbeat: Heartbeat;
  readonly createGroup: CreateGroup;
  readonly ring: EventRing;
  readonly isState: IsState;
  readonly lifecycle: Lifecycle;
  /** For how long any log is kept at most, ms: for so long a client may come back to one. */
  readonly longestTtl: number;
  readonly options: {
    readonly maxLength: number;
    readonly auditInterval: number;
    readonly shards: number;
  };
}

/** What the process does about what a shard hears. */
export interface ShardHooks {
  /** An event is about to be delivered. */
  announcing(): void;
  /** The link is to be proven. */
  proofDue?(): void;
  /** Another node sent this one a message. */
  message?(text: string): void;
  linkLost?(): void;
  /** Before anybody catches up. */
  linkRestored?(): void;
}

/**
 * One data set of a hub, with one order of its events, and all that listens to it here: a link, feeds, cursors and losses. A
 * hub has one, or several that know nothing of each other.
 */
export class Shard {
  readonly feeds: Feeds;
  readonly subscribers: Subscribers;
  readonly lost: KnownLosses;
  private readonly lossWatch: LossWatch;
  private readonly acknowledged = new Acknowledged();

  constructor(
    readonly broker: Broker,
    parts: ShardParts,
  ) {
    const { counters, heartbeat, options } = parts;
    this.feeds = new Feeds(broker, counters, parts.createGroup, parts.ring, options.shards, parts.isState);
    this.lost = new KnownLosses(parts.longestTtl, () => this.feeds.link.lastAssigned);
    const reader = new LogReader(broker, this.feeds.lines);
    this.subscribers = new Subscribers(broker, this.feeds, reader, heartbeat, counters, this.lost);
    this.lossWatch = this.createLossWatch(parts);
    this.feeds.onReleased = (channel, newest) =>
      this.acknowledged.note(channel, newest, this.feeds.lines.lineOf(newest));
  }

  /** @returns what it is connected to, for the log */
  async start(hooks: ShardHooks): Promise<string> {
    this.feeds.link.up = true;
    const description = await this.broker.start(this.createListener(hooks));
    // Of what came before nobody here has heard another line.
    this.feeds.lines.restored(this.broker.line);
    return description;
  }

  /** Resolves when the losses of all nodes are known. */
  learnLosses(): Promise<void> {
    return this.lossWatch.start();
  }

  /** Ends its subscribers. @param isWatching whether losses were looked for */
  async stop(isWatching: boolean): Promise<void> {
    this.subscribers.stop();
    if (isWatching) await this.lossWatch.stop();
    await this.broker.close();
  }

  /** Never rejects: each publication has an outcome of its own. */
  async publish(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    const outcomes = await this.broker.publish(publications);
    for (const [i, outcome] of outcomes.entries()) {
      const { channel, ephemeral, copy } = publications[i]!;
      if ('error' in outcome || ephemeral) continue;
      this.acknowledged.note(channel, outcome.position, outcome.line);
      if (copy) this.acknowledged.note(copy.log, outcome.position, outcome.line);
    }
    return outcomes;
  }

  idOf(published: Published): string {
    return idOfPublished(this.broker.line, published);
  }

  private createListener(hooks: ShardHooks): BrokerListener {
    const { feeds, subscribers } = this;
    return {
      announced: (channel, record) => {
        hooks.announcing();
        feeds.announced(channel, record);
      },
      watermark: (position, lastEvent) => feeds.watermark(position, lastEvent),
      proofDue: () => hooks.proofDue?.(),
      message: (text) => hooks.message?.(text),
      linkLost: () => {
        subscribers.linkLost();
        feeds.linkLost();
        hooks.linkLost?.();
      },
      linkRestored: (position, line) => {
        const forkedAt = feeds.linkRestored(position, line);
        hooks.linkRestored?.();
        const lost = forkedAt === undefined ? undefined : this.findLost(forkedAt);
        // Announcements and answers may have come before this position, and be about later ones.
        subscribers.linkRestored(feeds.link.lastAssigned, forkedAt);
        if (lost) this.lossWatch.failedOver(forkedAt!, lost);
        // Not before: notices of other processes may be in memory, of losses of which clients have just been told.
        subscribers.catchUp();
      },
    };
  }

  /** The newest event of each channel that this process heard, or had acknowledged, and that the data of now lack. */
  private findLost(forkedAt: Position): Map<string, Position> {
    const lost = this.acknowledged.takeLost(this.broker.line.forks);
    for (const feed of this.feeds.all()) {
      feed.newestBefore = Math.max(feed.newestBefore, lost.get(feed.channel) ?? 0);
      if (feed.newestBefore > forkedAt) lost.set(feed.channel, feed.newestBefore);
    }
    return lost;
  }

  private createLossWatch({ counters, lifecycle, longestTtl, options }: ShardParts): LossWatch {
    const { broker, feeds, subscribers, lost } = this;
    const logLength = Math.max(options.maxLength, LOSS_EVENTS);
    return new LossWatch({
      broker,
      feeds,
      subscribers,
      lost,
      counters,
      auditInterval: options.auditInterval,
      history: { maxLength: logLength, ttl: longestTtl },
      listen: (onLive) => {
        // The hub's own deliveries do not count.
        const observed = { rewind: logLength, counters: new HubCounters(), onLive };
        return observeChannel(subscribers, LOSSES_CHANNEL, observed, lifecycle);
      },
    });
  }
}
