import type { Observable, Subscription } from 'rxjs';
import type { Broker } from '../../broker/broker.interface.js';
import type { LogHistory } from '../../broker/log-history.interface.js';
import { leftAt } from '../../broker/forks.js';
import { parseEventId, type LinePosition, type Position } from '../../event/position.js';
import type { SseEvent } from '../../event/sse-event.js';
import { lossesIn, LOSSES_CHANNEL, type Loss } from './loss.js';

/** How long after a failure the log is tried again at the latest, ms. */
const RETRY_AFTER_MS = 1_000;
/** How many events the log has at least, and how many of them are read at the start, however short the history of the application. */
export const LOSS_EVENTS = 1_000;
/** How long what was published is kept, since a failover may lose it; ms. */
const LOST_WITHIN_MS = 60_000;
/** How many losses are kept for that. */
const MOST_RECENT = 10_000;
/** The losses that one event carries: with the longest names some 30 KB. */
const LOSSES_PER_EVENT = 100;

/** A loss that this node tells the others of. */
interface Notice {
  readonly loss: Loss;
  /** ms since the epoch. */
  readonly at: number;
  /** Of its event; undefined until that is acknowledged. */
  place: LinePosition | undefined;
}

/**
 * The losses of all nodes, as a log of the hub's own. It is an ordinary channel: each node that lives hears of them, one
 * that starts reads them, and a lost announcement of it is found as any other.
 */
export class LossLog {
  private waiting: Notice[] = [];
  /** What this node published of late: a failover may lose it. */
  private recent: Notice[] = [];
  private publishing: Promise<void> | undefined;
  private subscription: Subscription | undefined;
  private closed = false;

  /**
   * @param history of the log
   * @param listen the log from its beginning on
   */
  constructor(
    private readonly broker: Broker,
    private readonly history: LogHistory,
    private readonly listen: (onLive: () => void) => Observable<SseEvent>,
  ) {}

  /** Calls back with all losses that are retained, then with those that are found. Resolves between the two. */
  follow(learn: (losses: readonly Loss[]) => void): Promise<void> {
    return new Promise((resolve) => {
      this.subscription = this.listen(resolve).subscribe(({ id, data }) =>
        learn(lossesIn(data).map((loss) => toldAt(loss, parseEventId(id)!))),
      );
    });
  }

  /**
   * Publishes once more what was published of late and lines behind the forks lack. What they have is not repeated: clients
   * that came after it would be told again.
   */
  repeat(): void {
    const isLost = ({ place }: Notice) => place && leftAt(this.broker.line.forks, place) !== undefined;
    const lost = this.recent.filter(isLost);
    this.recent = this.recent.filter((notice) => !isLost(notice));
    if (lost.length > 0) void this.add(lost.map(({ loss }) => loss));
  }

  /** Resolves when it is in the log. While Redis is away it is tried again, as nothing else would tell other nodes. */
  add(losses: readonly Loss[]): Promise<void> {
    const now = Date.now();
    this.recent = this.recent.filter(({ at }) => now - at < LOST_WITHIN_MS);
    for (const loss of losses) {
      const notice = { loss, at: now, place: undefined };
      this.waiting.push(notice);
      if (this.recent.length < MOST_RECENT) this.recent.push(notice);
    }
    return (this.publishing ??= this.publishAll());
  }

  /** Resolves when what was added before has been published, or has failed once more. */
  async close(): Promise<void> {
    this.subscription?.unsubscribe();
    this.closed = true;
    await this.publishing;
  }

  private async publishAll(): Promise<void> {
    // All of this tick; and the promise is kept before it is forgotten.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const notices = this.waiting.slice(0, LOSSES_PER_EVENT);
      if (await this.publish(notices)) this.waiting.splice(0, notices.length);
      else if (this.closed) break;
      else await this.broker.pause(RETRY_AFTER_MS);
    }
    // Together with the last look: what is added a microtask later is to be published by the next run.
    this.publishing = undefined;
  }

  /** Without an idempotency key: where the outcome is unknown, a loss in the log twice may be told twice, and is not lost. */
  private async publish(notices: readonly Notice[]): Promise<boolean> {
    const text = `data: ${JSON.stringify(notices.map(({ loss }) => loss))}\n\n`;
    const [outcome] = await this.broker.publish([
      {
        channel: LOSSES_CHANNEL,
        event: { kind: 'j', text },
        ephemeral: false,
        idempotencyKey: undefined,
        history: this.history,
      },
    ]);
    if ('error' in outcome!) return false;
    const { position, line } = outcome!;
    for (const notice of notices) notice.place = { position, line };
    return true;
  }
}

/**
 * A loss concerns ids up to the place of its notice in the log. A client that came to another node before the notice, and
 * left it again, has an id from before that place: announcements arrive in their order.
 */
function toldAt(loss: Loss, notice: Position): Loss {
  return { ...loss, until: Math.max(loss.until, notice) };
}
