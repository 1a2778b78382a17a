import type { Broker } from '../broker/broker.interface.js';
import {
  channelKey,
  formatLastEventId,
  goesOnAfter,
  parseLastEventId,
  repeatableId,
  toMapName,
  type LastEventId,
} from '../event/last-event-id.js';
import { isAhead, toMs, type LinePosition, type Position } from '../event/position.js';
import { MAP_START } from './cursor.js';
import type { Feeds } from './feeds.js';
import type { ShardStart } from './open-subscriber.interface.js';
import type { StartPoint, StartPoints } from './start-point.interface.js';
import type { StartGap, StartPosition } from './start-position.js';

/** By how much the clocks of servers may differ. */
const CLOCK_SKEW_MS = 60_000;

/** Where a channel begins, and the gap that precedes it. */
interface Beginning {
  readonly channel: string;
  readonly after: Position;
  readonly gap?: StartGap;
  /** The client has everything before it. */
  readonly isClaimed?: boolean;
}

/** Finds the position at which a subscriber begins. */
export class StartResolver {
  constructor(
    private readonly broker: Broker,
    private readonly feeds: Feeds,
  ) {}

  /**
   * @param head the last position given out since the client came, if it is known
   * @throws RedisUnavailableError
   */
  async resolve(channels: readonly string[], start: ShardStart, head?: Position): Promise<StartPosition> {
    const { lastEventId } = start;
    const claimed =
      lastEventId === undefined ? undefined : parseLastEventId(lastEventId, this.broker.line.shard);
    // In a storm of clients that come back, nobody has to ask; where data were lost, what is known of lines may be of before.
    if (claimed && this.isPresent(claimed)) return this.resume(channels, claimed, lastEventId);
    if (lastEventId === undefined)
      return this.beginNew(channels, start, head ?? (await this.feeds.lastPosition()));
    // Another process may have given the client its id since an earlier client asked.
    const last = await this.feeds.currentPosition();
    if (claimed && this.isKnown(claimed, last)) return this.resume(channels, claimed, lastEventId);
    if (claimed) this.feeds.lines.checkReplaced(claimed, last);
    // Of another deployment, or of data that Redis has lost: what lies between is not known.
    const gaps = channels.map((channel): StartGap => {
      const from = claimed ? goesOnAfter(claimed, channel) : null;
      return { channel, from, to: last, cause: 'unknown-id' };
    });
    return { cursor: last, resumed: false, gaps, sentId: repeatableId(lastEventId) };
  }

  /** Whether this data set may have given out a position, or a line of it that was left: its server may live on ahead of the head. */
  isKnown(claimed: LinePosition, head: Position): boolean {
    const { lines } = this.feeds;
    const isOfNow = toMs(claimed.position) < Date.now() + CLOCK_SKEW_MS;
    if (isOfNow && lines.leftAt(claimed) !== undefined) return true;
    return !isAhead(claimed.position, head) && !lines.isUnknown(claimed);
  }

  private isPresent(claimed: LinePosition): boolean {
    const { lines, link } = this.feeds;
    return lines.leftAt(claimed) === undefined && this.isKnown(claimed, link.lastAssigned);
  }

  private async beginNew(
    channels: readonly string[],
    { rewind, position, from, earlier }: ShardStart,
    last: Position,
  ): Promise<StartPosition> {
    const place = earlier && this.findPlace(earlier, last);
    if (from) return this.beginEach(channels, from, { last, now: place ?? last });
    if (place !== undefined) return { cursor: place, resumed: false };
    // Of a state channel it gets the map.
    const rewound = rewind ? channels.filter((channel) => !this.feeds.isState(channel)) : [];
    const before =
      position ?? (rewind && rewound.length > 0 ? await this.broker.positionBefore(rewound, rewind) : last);
    return { cursor: before, resumed: false };
  }

  /**
   * What was published since is for the client: others may have heard that it is there.
   *
   * @returns undefined where it stands in no data that there are: they have forked, or are lost
   */
  private findPlace(earlier: LinePosition, last: Position): Position | undefined {
    const isLeft = this.feeds.lines.leftAt(earlier) !== undefined;
    return isLeft || earlier.position > last ? undefined : earlier.position;
  }

  /** The cursor stands at the latest beginning: whatever other channels have from before it comes late, and ids say so. */
  private async beginEach(
    channels: readonly string[],
    from: StartPoints,
    { last, now }: { readonly last: Position; readonly now: Position },
  ): Promise<StartPosition> {
    const beginnings = await Promise.all(
      channels.map(async (channel): Promise<Beginning> => {
        const point = from.get(channel);
        return point ? this.findBeginning(channel, point, last) : { channel, after: now };
      }),
    );
    const cursor = beginnings.length > 0 ? Math.max(...beginnings.map(({ after }) => after)) : now;
    const gaps = beginnings.flatMap(({ gap }) => gap ?? []);
    const early = beginnings.filter(({ after }) => after < cursor);
    const starts = new Map(early.map(({ channel, after }) => [channel, after]));
    const claims = beginnings.filter(({ isClaimed }) => isClaimed);
    const { lines, link } = this.feeds;
    return {
      cursor,
      resumed: false,
      gaps,
      // Who is cut off before the last gap comes back as new, and is sent all of them again.
      sentId:
        gaps.length > 0
          ? undefined
          : formatLastEventId(cursor, [...starts], lines.toId, undefined, link.mostOwed),
      starts,
      claims: new Map(claims.map(({ channel, after }) => [channel, after])),
    };
  }

  private async findBeginning(channel: string, point: StartPoint, last: Position): Promise<Beginning> {
    const isMap = this.feeds.isState(channel) && (point === 'start' || 'last' in point);
    if (isMap) return { channel, after: last };
    if (point === 'start') {
      const [start] = await this.broker.logStarts([channel]);
      if (!start) return { channel, after: last };
      const { after, isTrimmed } = start;
      const gap: StartGap = { channel, from: null, to: after, cause: 'retention' };
      return { channel, after, ...(isTrimmed && { gap }) };
    }
    if ('last' in point) return { channel, after: await this.broker.positionBefore([channel], point.last) };
    return this.findClaimed(channel, point, last);
  }

  private findClaimed(channel: string, point: LinePosition, last: Position): Beginning {
    const { lines, link } = this.feeds;
    const head = Math.max(last, link.lastAssigned);
    lines.checkReplaced(point, head);
    const { position } = point;
    if (!this.isKnown(point, head))
      return { channel, after: last, gap: { channel, from: position, to: last, cause: 'unknown-id' } };
    const left = lines.leftAt(point);
    if (left === undefined) return { channel, after: position, isClaimed: true };
    return { channel, after: left, gap: { channel, from: left, to: position, cause: 'failover' } };
  }

  /** Where a client goes on that was here before: behind a fork, where the data of the present line begin. */
  private async resume(
    channels: readonly string[],
    claimed: LastEventId,
    lastEventId: string | undefined,
  ): Promise<StartPosition> {
    const { position, own, owed } = claimed;
    const left = this.feeds.lines.leftAt(claimed);
    const cursor = left ?? position;
    const after = new Map<string, Position>();
    for (const channel of owed.size > 0 ? channels : []) {
      const lacking = owed.get(channelKey(channel));
      if (lacking !== undefined && lacking < cursor) after.set(channel, lacking);
    }
    const maps = await this.resumeMaps(channels, claimed, cursor, after);
    const gaps: StartGap[] = [];
    // The event of a state channel may be in the log no more, but the id names its channel.
    const isNamed = [...after].some(([channel, at]) => at === own && this.feeds.isState(channel));
    if (own !== undefined && own < cursor && !isNamed) {
      const { of, unsure } = await this.findChannelOf(own, channels);
      if (of !== undefined) after.set(of, own);
      for (const channel of unsure) {
        if (!after.has(channel) && !this.feeds.isState(channel))
          gaps.push({ channel, from: own, to: cursor, cause: 'retention' });
      }
    }
    // The client has had events of a line that is gone.
    for (const channel of left === undefined ? [] : channels)
      gaps.push({ channel, from: left!, to: position, cause: 'failover' });
    const start = { cursor, resumed: true, sentId: repeatableId(lastEventId) };
    return after.size === 0 && gaps.length === 0 && maps.size === 0
      ? start
      : { ...start, owed: after, gaps, maps };
  }

  /**
   * State channels of whose map the client has a part. Where removals were forgotten since, the map begins anew.
   *
   * @param after channels that are owed events, to which they are added
   */
  private async resumeMaps(
    channels: readonly string[],
    { owed }: LastEventId,
    cursor: Position,
    after: Map<string, Position>,
  ): Promise<ReadonlyMap<string, Position>> {
    const maps = new Map<string, Position>();
    const states = channels.filter((channel) => this.feeds.isState(channel) && !after.has(channel));
    if (owed.size <= after.size || states.length === 0) return maps;
    const requests = states.map((channel) => ({ channel, after: cursor }));
    for (const { channel, logStart } of await this.broker.read(requests, { records: 1, bytes: 1 })) {
      const lacking = owed.get(channelKey(toMapName(channel, logStart)));
      if (lacking === undefined) continue;
      maps.set(channel, logStart);
      if (lacking < cursor) after.set(channel, lacking);
    }
    // One of them is named, and not as its log is now.
    const named = new Set([...maps.keys(), ...after.keys()]);
    if (owed.size > named.size)
      for (const channel of states) if (!maps.has(channel)) after.set(channel, MAP_START);
    return maps;
  }

  /** The channel of an event, if it is retained; otherwise those of which it may have been. */
  private async findChannelOf(
    own: Position,
    channels: readonly string[],
  ): Promise<{ readonly of?: string; readonly unsure: readonly string[] }> {
    const requests = channels.map((channel) => ({ channel, after: own - 1 }));
    const slices = await this.broker.read(requests, { records: 1, bytes: 1 });
    const slice = slices.find(({ records }) => records[0]?.position === own);
    if (slice) return { of: slice.channel, unsure: [] };
    return { unsure: slices.filter(({ logStart }) => logStart >= own).map(({ channel }) => channel) };
  }
}
