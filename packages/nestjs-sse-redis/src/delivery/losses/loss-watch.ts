import { Logger } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { Broker } from '../../broker/broker.interface.js';
import { CHANGES_CHANNEL } from '../../broker/registry-store.interface.js';
import type { LogHistory } from '../../broker/log-history.interface.js';
import { isOfHub } from '../../event/channel-name.js';
import type { SseEvent } from '../../event/sse-event.js';
import { Audit } from './audit.js';
import type { Feeds } from '../feeds.js';
import type { HubCounters } from '../hub-counters.js';
import { LossLog } from './loss-log.js';
import { LOSSES_CHANNEL, type Loss } from './loss.js';
import type { Position } from '../../event/position.js';
import type { KnownLosses } from './known-losses.js';
import type { Gap } from '../../event/gap.js';
import type { Subscribers } from '../subscribers.js';

/** Between two warnings of losses, ms. */
const WARNING_INTERVAL = 10_000;
/** Logs of the hub whose content is written once more behind a failover. Its others are those of listeners. */
const REPEATED: ReadonlySet<string> = new Set([CHANGES_CHANNEL, LOSSES_CHANNEL]);
/** Names of channels in a warning. */
const NAMES_SHOWN = 5;

export interface LossWatchParts {
  readonly broker: Broker;
  readonly feeds: Feeds;
  readonly subscribers: Subscribers;
  readonly lost: KnownLosses;
  readonly counters: HubCounters;
  /** ms within which a loss is found. */
  readonly auditInterval: number;
  /** Of the log of losses. */
  readonly history: LogHistory;
  /** The log of losses from its beginning on. */
  readonly listen: (onLive: () => void) => Observable<SseEvent>;
}

/** Lost announcements: has them found, warns of them, and sees that clients everywhere are told what they may lack. */
export class LossWatch {
  private readonly logger = new Logger('SseHub');
  private readonly audit: Audit;
  private readonly log: LossLog;
  private readonly unwarned = new Map<string, number>();
  private warning: NodeJS.Timeout | undefined;

  constructor(private readonly parts: LossWatchParts) {
    const { broker, feeds, auditInterval, history, listen } = parts;
    this.audit = new Audit(broker, feeds, auditInterval, (losses) => this.found(losses));
    this.log = new LossLog(broker, history, listen);
  }

  /** Resolves when the losses of all nodes are known. */
  start(): Promise<void> {
    this.audit.start();
    return this.log.follow((losses) => this.learn(losses));
  }

  /** Looks for losses once more, while the broker can still tell other nodes of them. */
  async stop(): Promise<void> {
    await this.audit.finish();
    await this.log.close();
    if (this.warning) this.warn();
  }

  private found(losses: readonly Loss[]): void {
    this.parts.counters.announcementsLost += losses.length;
    for (const { channel } of losses) this.unwarned.set(channel, (this.unwarned.get(channel) ?? 0) + 1);
    if (!this.warning) this.warn();
    const concerning = losses.filter(({ channel }) => !isOfHub(channel));
    if (concerning.length === 0) return;
    this.learn(concerning);
    void this.log.add(concerning);
  }

  /**
   * Clients here were told, as they went back behind a fork. Those of other nodes may have been on the new line before, and
   * never heard of the events.
   *
   * @param from the data of the new line reach up to here
   * @param newest of each channel, the newest event that is known to be lost
   */
  failedOver(from: Position, newest: ReadonlyMap<string, Position>): void {
    this.audit.forkedAt(from);
    this.log.repeat();
    const { lost, feeds } = this.parts;
    const until = feeds.link.lastAssigned + 1;
    const losses = [...newest]
      .filter(([channel]) => !REPEATED.has(channel))
      .map(([channel, last]) => failoverLoss(channel, from, last, until));
    for (const loss of losses) lost.add(loss);
    if (losses.length > 0) void this.log.add(losses);
  }

  /** Clients that came back before it was known are told now; those that come back later, as they come. */
  private learn(losses: readonly Loss[]): void {
    const { lost, subscribers } = this.parts;
    const unknown = losses.filter((loss) => !lost.knows(loss));
    if (unknown.length === 0) return;
    const begun = subscribers.getBegun(new Set(unknown.map(({ channel }) => channel)));
    const told = begun.map((one) => lost.gapFor(one.channel, one));
    for (const loss of unknown) lost.add(loss);
    begun.forEach(({ subscriber, ...one }, i) => {
      const found = lost.gapFor(one.channel, one);
      if (!found || isWithin(found, told[i])) return;
      const { cause, ...gap } = found;
      subscriber.sendLossGap(gap, cause);
    });
  }

  /** At once, and then at most every ten seconds. */
  private warn(): void {
    clearTimeout(this.warning);
    this.warning = undefined;
    if (this.unwarned.size === 0) return;
    const names = [...this.unwarned.keys()].map((name) => JSON.stringify(name));
    const count = [...this.unwarned.values()].reduce((sum, one) => sum + one, 0);
    this.unwarned.clear();
    const shown = `${names.slice(0, NAMES_SHOWN).join(', ')}${names.length > NAMES_SHOWN ? ', …' : ''}`;
    this.logger.warn(
      `Announcements of Redis got lost on a connection that stayed up (${count} times, on ${shown}). Connected clients get the events late, clients that left meanwhile a gap. Something between Redis and this process drops messages.`,
    );
    this.warning = setTimeout(() => this.warn(), WARNING_INTERVAL);
    this.warning.unref();
  }
}

function failoverLoss(channel: string, from: Position, last: Position, until: Position): Loss {
  return { channel, after: from, first: from + 1, last, until, isFailover: true };
}

/** Whether a client that was told of the one gap need not be told of the other. */
function isWithin(gap: Gap, told: Gap | undefined): boolean {
  return told !== undefined && told.from! <= gap.from! && told.to >= gap.to;
}
