import { getId, type EventRecord } from '../event/event-record.js';
import { describeGap, type Gap } from '../event/gap.js';
import type { MapNotice } from '../event/map-notice.js';
import { formatLastEventId } from '../event/last-event-id.js';
import type { Position } from '../event/position.js';
import type { Cursor } from './cursor.js';
import type { EventSink } from './event-sink.js';
import type { Feed } from './feed.js';
import type { GapCause, HubCounters } from './hub-counters.js';
import type { StartPosition } from './start-position.js';
import type { SubscriptionState } from './subscription-state.js';

/** Writes events, positions and gaps to the sink of a client, and knows the id that the client has then. */
export class SinkWriter {
  /** The last position that the client was sent. */
  private lastSent: Position;
  /** The last position was sent with a late event. Its id says more than it has to once the client has everything. */
  private isLastSentLate = false;
  private blocked = false;
  /** The ends of the gaps that this catch-up has sent: it may read the same part of a log more than once. */
  private gapsSent: Map<string, Position> | undefined = undefined;

  constructor(
    private readonly sink: EventSink,
    private readonly cursor: Cursor,
    private readonly counters: HubCounters,
    private readonly link: Pick<SubscriptionState, 'toId' | 'mostOwed'>,
  ) {
    this.lastSent = cursor.position;
  }

  /** The id of the client, once it has received what was written. */
  get lastId(): string {
    return this.idAt(this.lastSent);
  }

  /** Whether the sink takes no more for now. */
  get isBlocked(): boolean {
    return this.blocked;
  }

  /** Whether the sink is given an `end` of the past, too. */
  get takesPastEnds(): boolean {
    return this.sink.isEndless === true;
  }

  unblock(): void {
    this.blocked = false;
  }

  /** Sends the position first: a client that is cut off before its first event can resume then. */
  begin({ gaps = [], sentId }: StartPosition, retry: number | undefined): void {
    // A client that is cut off before the last gap returns as it came, and is sent all gaps again.
    this.noteBackpressure(this.sink.open(gaps.length > 0 ? sentId : this.lastId, retry));
    this.sendGaps(gaps, sentId);
  }

  /** The client was sent the events up to a position, by this writer or by the group of the sink. */
  noteSent(position: Position): void {
    this.cursor.position = this.lastSent = position;
    this.isLastSentLate = false;
  }

  /** Moves the cursor to the event. */
  sendEvent(channel: string, record: EventRecord): void {
    const { position } = record;
    this.noteSent(position);
    if (this.cursor.isInMap) {
      this.isLastSentLate = true;
      const id = this.formatId(position, this.cursor.owed(position, undefined, position));
      this.noteBackpressure(this.sink.late(channel, record, id));
      return;
    }
    this.noteBackpressure(this.sink.event(channel, record));
  }

  /** Sends an event from before the cursor. Its id also says where the client stands. */
  sendLateEvent(feed: Feed, record: EventRecord): void {
    const { position } = this.cursor;
    // The event of a state channel may soon be in the log no more, and would not be found by its id.
    const others = this.cursor.owed(position, feed.isState ? undefined : feed, record.position);
    this.lastSent = position;
    this.isLastSentLate = true;
    const id = this.formatId(position, others, getId(record));
    this.noteBackpressure(this.sink.late(feed.channel, record, id));
  }

  sendPosition(): void {
    const { position } = this.cursor;
    this.lastSent = position;
    this.isLastSentLate = false;
    this.noteBackpressure(this.sink.position(this.idAt(position)));
  }

  /** A client that is cut off before it has the events it is owed must return with an id that says so. */
  sendOwedPosition(): void {
    if (!this.blocked && this.cursor.owed(this.cursor.position).length > 0) this.sendPosition();
  }

  /** The client has everything up to the cursor. */
  endCatchUp(): void {
    this.gapsSent = undefined;
    if (this.cursor.position > this.lastSent || this.isLastSentLate) this.sendPosition();
    this.sink.live?.();
  }

  /**
   * The client goes back to a position. The gaps say what is unknown, or was of a line that is gone.
   *
   * @param states state channels of which the client gets the map anew instead
   */
  goBackTo(
    position: Position,
    gaps: readonly Gap[],
    cause: 'unknown-id' | 'failover',
    states: readonly Feed[],
  ): void {
    const sentId = this.lastId;
    if (cause === 'failover') this.cursor.setBack(position);
    else this.cursor.moveTo(position);
    for (const feed of states) this.cursor.startMap(feed);
    this.lastSent = position;
    this.sendGaps(
      gaps.map((gap) => ({ ...gap, cause })),
      sentId,
    );
    this.sendPosition();
  }

  /** @param id of the client after the gap: a client that is cut off behind it must still be sent all others */
  sendGap(gap: Gap, cause: GapCause, id: string | undefined): void {
    this.gapsSent ??= new Map();
    if ((this.gapsSent.get(gap.channel) ?? -1) >= gap.to) return;
    this.gapsSent.set(gap.channel, gap.to);
    this.counters.gaps[cause]++;
    this.noteBackpressure(this.sink.gap(describeGap(gap, this.link.toId), id));
  }

  /** Events before the position with which the client came were not announced to a node where it may have been. */
  sendLossGap(gap: Gap, cause: GapCause): void {
    this.counters.gaps[cause]++;
    this.noteBackpressure(this.sink.gap(describeGap(gap, this.link.toId), this.lastId));
  }

  /** The map of a state channel begins anew: what the client had of it counts no longer. */
  sendMapBegin(channel: string): void {
    this.isLastSentLate = true;
    this.sendMapNotice({ channel, begins: true });
  }

  sendMapNotice(notice: MapNotice): void {
    this.noteBackpressure(this.sink.map(notice, this.lastId));
  }

  /** Sends the lines of an event that is in no log. The position of the client stays. */
  sendMessage(text: string): void {
    this.noteBackpressure(this.sink.message(this.lastId, text));
  }

  private sendGaps(gaps: readonly (Gap & { readonly cause: GapCause })[], sentId: string | undefined): void {
    gaps.forEach(({ cause, ...gap }, i) =>
      this.sendGap(gap, cause, i < gaps.length - 1 ? sentId : this.lastId),
    );
  }

  private idAt(position: Position): string {
    return this.formatId(position, this.cursor.owed(position));
  }

  private formatId(position: Position, owed: ReturnType<Cursor['owed']>, own?: string): string {
    return formatLastEventId(position, owed, this.link.toId, own, this.link.mostOwed);
  }

  private noteBackpressure(takesMore: boolean): void {
    if (!takesMore) this.blocked = true;
  }
}
