import { parseJoinedId } from '../../event/joined-id.js';
import { parseLastEventId, repeatableId } from '../../event/last-event-id.js';
import { formatEventId, type LinePosition } from '../../event/position.js';
import type { ShardMap } from '../../event/shard-map.js';
import { groupBy } from '../../util/group-by.js';
import type { EventSink } from '../event-sink.js';
import type { Heartbeat, HeartbeatTarget } from '../heartbeat.js';
import type {
  OpenCallbacks,
  ShardStart,
  StartOptions,
  SubscriberPool,
} from '../open-subscriber.interface.js';
import type { BeginOptions, Prepared } from '../subscribers.js';
import { JoinedSubscriber } from './joined-subscriber.js';
import { findRewound } from './rewind.js';
import type { Shard } from './shard.js';

/** Characters of an entry that is kept for a shard on which the connection has no channel. */
const MOST_KEPT = 256;

/** The channels of a connection on one shard. */
interface Part extends Prepared {
  readonly shard: number;
}

/** The open connections of a hub of several shards. */
export class JoinedSubscribers implements SubscriberPool {
  /** With what beats for them. */
  private readonly targets = new Map<JoinedSubscriber, HeartbeatTarget>();

  constructor(
    private readonly map: ShardMap,
    private readonly shards: readonly Pick<Shard, 'broker' | 'feeds' | 'subscribers'>[],
    private readonly heartbeat: Heartbeat,
  ) {}

  open(channels: readonly string[], start: StartOptions, sink: EventSink, opener: OpenCallbacks): () => void {
    let joined: JoinedSubscriber | undefined;
    let closed = false;
    const begin = async (): Promise<void> => {
      let parts = await this.prepareAll(channels, start);
      try {
        if (closed || (opener.ready && !(await opener.ready())) || closed) return this.release(parts);
        while (this.areStale(parts)) {
          const again = await this.prepareAll(channels, start, parts);
          this.release(parts);
          parts = again;
          if (closed) return this.release(parts);
        }
      } catch (error) {
        this.release(parts);
        throw error;
      }
      joined = new JoinedSubscriber(sink);
      this.keepOthers(joined, parts, start.lastEventId);
      const heartbeatTarget = opener.heartbeatTarget ?? joined;
      this.targets.set(joined, heartbeatTarget);
      this.heartbeat.add(heartbeatTarget);
      joined.startId = repeatableId(start.lastEventId);
      if (opener.isPaused?.()) joined.pause();
      this.begin(joined, parts, { counters: opener.counters, retry: opener.retry?.() });
      // A stream that had ended before its client came back is over as it begins.
      if (closed) return this.close(joined);
      opener.opened?.(joined);
    };
    void begin().catch((error: unknown) => opener.failed(error));
    return () => {
      closed = true;
      if (joined) this.close(joined);
    };
  }

  close(joined: JoinedSubscriber): void {
    const heartbeatTarget = this.targets.get(joined);
    if (!heartbeatTarget) return;
    this.targets.delete(joined);
    this.heartbeat.remove(heartbeatTarget);
    joined.close();
    for (const [shard, part] of joined.parts) this.of(shard).close(part);
  }

  async add(
    joined: JoinedSubscriber,
    channels: readonly string[],
    after: LinePosition | undefined,
  ): Promise<void> {
    const added: string[] = [];
    try {
      for (const [shard, some] of groupBy(channels, (channel) => this.map.of(channel))) {
        await this.addTo(joined, shard, some, after);
        added.push(...some);
      }
    } catch (error) {
      // One that was closed meanwhile has let go of all its channels.
      if (!joined.isClosed) this.remove(joined, added);
      throw error;
    }
  }

  remove(joined: JoinedSubscriber, channels: readonly string[]): void {
    for (const [shard, part] of [...joined.parts]) {
      this.of(shard).remove(part, channels);
      if (part.feeds.length > 0 || joined.parts.size === 1) continue;
      joined.remove(shard);
      this.of(shard).close(part);
    }
  }

  retryTime(channel: string): Promise<void> {
    return this.of(this.map.of(channel)).retryTime();
  }

  private async addTo(
    joined: JoinedSubscriber,
    shard: number,
    channels: readonly string[],
    after: LinePosition | undefined,
  ): Promise<void> {
    const part = joined.parts.get(shard);
    if (part) return this.of(shard).add(part, channels, after);
    const lastEventId = after && formatEventId(after.position, after.line, shard);
    let prepared = await this.of(shard).prepare(channels, { lastEventId });
    while (this.of(shard).isStale(prepared)) {
      this.of(shard).release(prepared);
      prepared = await this.of(shard).prepare(channels, { lastEventId });
    }
    if (joined.isClosed) {
      this.of(shard).release(prepared);
      throw new Error('closed meanwhile');
    }
    joined.startId = joined.lastId;
    this.begin(joined, [{ shard, ...prepared }], {});
  }

  private begin(joined: JoinedSubscriber, parts: readonly Part[], options: BeginOptions): void {
    const sinks = parts.map(({ shard, from: { cursor, gaps, sentId } }) =>
      joined.expect(shard, gaps?.length ? undefined : (sentId ?? this.toId(shard, cursor))),
    );
    parts.forEach((part, i) => {
      const subscribers = this.of(part.shard);
      if (joined.isClosed) return subscribers.release(part);
      // Until it was sent all gaps the client keeps its whole id, not that of a part.
      const from = { ...part.from, sentId: undefined };
      const subscriber = subscribers.begin({ ...part, from }, sinks[i]!, { ...options, isPaused: true });
      if (joined.isClosed) return subscribers.discard(subscriber);
      subscribers.keep(subscriber, undefined);
      joined.add(part.shard, subscriber);
    });
  }

  /** @param before how it was prepared before the link was lost */
  private async prepareAll(
    channels: readonly string[],
    start: StartOptions,
    before: readonly Part[] = [],
  ): Promise<Part[]> {
    const groups = groupBy(channels, (channel) => this.map.of(channel));
    // A connection whose channels were all refused gets what is sent to it.
    if (groups.size === 0) groups.set(0, []);
    const starts = await this.findStarts(groups, start);
    const places = new Map(before.map(({ shard, place }) => [shard, place]));
    const results = await Promise.allSettled(
      [...groups].map(([shard, some]) =>
        this.prepare(shard, some, { ...starts.get(shard), earlier: places.get(shard) }),
      ),
    );
    const parts = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failed = results.find((result) => result.status === 'rejected');
    if (!failed) return parts;
    this.release(parts);
    throw failed.reason;
  }

  private async prepare(shard: number, channels: readonly string[], start: ShardStart): Promise<Part> {
    const prepared = await this.of(shard).prepare(channels, start);
    return { shard, ...prepared };
  }

  private async findStarts(
    groups: ReadonlyMap<number, readonly string[]>,
    { lastEventId, rewind, from }: StartOptions,
  ): Promise<Map<number, ShardStart>> {
    const shards = [...groups.keys()];
    if (lastEventId !== undefined) {
      const entries = parseJoinedId(lastEventId, this.shards.length);
      // None of this hub: each part tells that it does not know what lies between.
      return new Map(shards.map((one) => [one, { lastEventId: entries ? entries.get(one) : lastEventId }]));
    }
    if (from) return new Map(shards.map((one) => [one, { from }]));
    if (!rewind || shards.length === 1) return new Map(shards.map((one) => [one, { rewind }]));
    const { isState } = this.shards[0]!.feeds;
    // Of a state channel it gets the map.
    const rewound = new Map(
      [...groups].map(([shard, some]) => [shard, some.filter((channel) => !isState(channel))]),
    );
    return findRewound(rewound, rewind, (shard) => this.shards[shard]!.broker);
  }

  /** The ids of shards on which the connection has no channels. */
  private keepOthers(
    joined: JoinedSubscriber,
    parts: readonly Part[],
    lastEventId: string | undefined,
  ): void {
    const entries = lastEventId === undefined ? undefined : parseJoinedId(lastEventId, this.shards.length);
    for (const [shard, entry] of entries ?? []) {
      const isOther = parts.every((part) => part.shard !== shard);
      // Each block repeats it as it came.
      if (isOther && entry.length <= MOST_KEPT && parseLastEventId(entry, shard)) joined.keep(shard, entry);
    }
  }

  private areStale(parts: readonly Part[]): boolean {
    return parts.some((part) => this.of(part.shard).isStale(part));
  }

  private release(parts: readonly Part[]): void {
    for (const part of parts) this.of(part.shard).release(part);
  }

  private of(shard: number) {
    return this.shards[shard]!.subscribers;
  }

  private toId(shard: number, position: number): string {
    return this.shards[shard]!.feeds.lines.toId(position);
  }
}
