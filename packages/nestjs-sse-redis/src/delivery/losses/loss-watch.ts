import { Logger } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { Broker } from '../../broker/broker.interface.js';
import type { SseEvent } from '../../event/sse-event.js';
import { Audit } from './audit.js';
import type { Feeds } from '../feeds.js';
import type { HubCounters } from '../hub-counters.js';
import { LossLog } from './loss-log.js';
import type { Loss } from './loss.js';
import type { LostAnnouncements } from './lost-announcements.js';
import type { Gap } from '../../event/gap.js';
import type { Subscribers } from '../subscribers.js';

/** Between two warnings of losses, ms. */
const WARNING_INTERVAL = 10_000;
/** Names of channels in a warning. */
const NAMES_SHOWN = 5;

export interface LossWatchParts {
  readonly broker: Broker;
  readonly feeds: Feeds;
  readonly subscribers: Subscribers;
  readonly lost: LostAnnouncements;
  readonly counters: HubCounters;
  /** ms within which a loss is found. */
  readonly auditInterval: number;
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
    const { broker, feeds, auditInterval, listen } = parts;
    this.audit = new Audit(broker, feeds, auditInterval, (losses) => this.found(losses));
    this.log = new LossLog(broker, listen);
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
    // Nobody resumes on a channel of the hub's own.
    const concerning = losses.filter(({ channel }) => !channel.startsWith('\u0001'));
    if (concerning.length === 0) return;
    this.learn(concerning);
    void this.log.add(concerning);
  }

  /** Clients that came back before it was known are told now; those that come back later, as they come. */
  private learn(losses: readonly Loss[]): void {
    const { lost, subscribers } = this.parts;
    const unknown = losses.filter((loss) => !lost.knows(loss));
    if (unknown.length === 0) return;
    const claims = subscribers.getClaims(new Set(unknown.map(({ channel }) => channel)));
    const told = claims.map(({ channel, claimed }) => lost.gapFor(channel, claimed));
    for (const loss of unknown) lost.add(loss);
    claims.forEach(({ subscriber, channel, claimed }, i) => {
      const gap = lost.gapFor(channel, claimed);
      if (gap && !isWithin(gap, told[i])) subscriber.sendLossGap(gap);
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

/** Whether a client that was told of the one gap need not be told of the other. */
function isWithin(gap: Gap, told: Gap | undefined): boolean {
  return told !== undefined && told.from! <= gap.from! && told.to >= gap.to;
}
