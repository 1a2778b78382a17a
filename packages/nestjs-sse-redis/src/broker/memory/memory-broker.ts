import { encodeRecord, parseRecord, type EventRecord } from '../../event/event-record.js';
import { toMs, toPosition, type Position } from '../../event/position.js';
import { Waits } from '../../util/waits.js';
import type { ResolvedOptions } from '../../options/resolved-options.js';
import type {
  Broker,
  BrokerListener,
  DataLine,
  LogExtent,
  LogRange,
  LogSlice,
  LogStart,
  Publication,
  PublishOutcome,
  ReadLimits,
  ReadRequest,
} from '../broker.interface.js';
import { toCopyText } from '../event-copy.js';
import { CHANGES_CHANNEL } from '../registry-store.interface.js';
import { NO_STATE, type IsState } from '../broker.interface.js';
import { stateFull } from '../state-full.js';
import type { ShardPlace } from '../shard-place.interface.js';
import { MemoryAnnouncements } from './memory-announcements.js';
import { MemoryIdempotency } from './memory-idempotency.js';
import { MemoryLog } from './memory-log.js';
import { MemoryRegistryStore } from './memory-registry-store.js';
import { MemoryRuns } from './memory-runs.js';
import { MemoryState } from './memory-state.js';

/** Logs live longer than is claimed of one that is not there: an event of that very millisecond would be lost untold. */
const EXPIRY_MARGIN_MS = 1_000;

/** The embedded broker: the same rules in the memory of one process, for development and for applications of one process. */
export class MemoryBroker implements Broker {
  private readonly logs = new Map<string, MemoryLog | MemoryState>();
  private readonly idempotency: MemoryIdempotency;
  /** Logs that are kept for a shorter time than others, and the positions of their newest events. */
  private readonly tombstones = new Map<string, Position>();
  private readonly subscribed = new Set<string>();
  private readonly announcements = new MemoryAnnouncements((channel, record) => {
    if (this.subscribed.has(channel)) this.listener?.announced(channel, record);
  });
  private readonly epochStart: Position = toPosition(Date.now());
  private head: Position = this.epochStart;
  private listener: BrokerListener | undefined;
  private timer: NodeJS.Timeout | undefined;

  readonly registry: MemoryRegistryStore;
  readonly runs: MemoryRuns;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly nodeId: string,
    place?: ShardPlace,
    private readonly isState: IsState = NO_STATE,
  ) {
    this.idempotency = new MemoryIdempotency(options.idempotencyWindow);
    this.line = { forks: [], line: 0, serverStart: '', since: Infinity, shard: place?.index };
    this.runs = new MemoryRuns((publication) => this.append(publication), place?.index);
    this.registry = new MemoryRegistryStore((changes) => {
      const text = `data: ${JSON.stringify(changes)}\n\n`;
      this.append({
        channel: CHANGES_CHANNEL,
        event: { kind: 'j', text },
        ephemeral: false,
        idempotencyKey: undefined,
      });
    });
  }

  async start(listener: BrokerListener): Promise<string> {
    this.listener = listener;
    this.timer = setInterval(() => this.tick(), this.options.probeInterval);
    this.timer.unref();
    await Promise.resolve();
    return 'the embedded broker, which serves this process alone';
  }

  async publish(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    const outcomes = publications.map((publication) => this.publishOne(publication));
    await Promise.resolve();
    return outcomes;
  }

  private publishOne(publication: Publication): PublishOutcome {
    const { channel, run } = publication;
    const append = () => this.append(publication);
    const { head } = this;
    try {
      const position = run ? this.runs.store(channel, run, append) : append();
      // Otherwise nothing was stored now.
      if (position > head) this.copy(publication, position);
      return { position, line: 0 };
    } catch (error) {
      return { error: error as Error };
    }
  }

  readonly checkWrites = (): Promise<void> => Promise.resolve();
  /** Nothing fails here for want of a connection. */
  readonly pause: Broker['pause'] = (...args) => new Waits().wait(...args);

  async position(): Promise<Position> {
    await Promise.resolve();
    return this.head;
  }

  async read(requests: readonly ReadRequest[], limits: ReadLimits): Promise<LogSlice[]> {
    await Promise.resolve();
    const now = Date.now();
    return requests.map(({ channel, after }) => {
      const log = this.getLog(channel, now);
      const start = this.logStart(channel, log, now);
      const isEmpty = !log && this.isState(channel);
      const knownFrom = log instanceof MemoryState ? log.knownFrom : start;
      const { records, truncated } = log?.read(after, limits) ?? { records: [], truncated: false };
      return {
        channel,
        records,
        coveredUpTo: truncated ? records.at(-1)!.position : this.head,
        // Nobody has anything of it any more.
        logStart: Math.max(this.epochStart, isEmpty ? this.head : start),
        knownFrom: Math.max(this.epochStart, knownFrom),
        head: this.head,
        isEmpty,
        ended: records.length === 0 && log?.newest.kind === 'x',
      };
    });
  }

  async extents(ranges: readonly LogRange[]): Promise<(LogExtent | undefined)[]> {
    await Promise.resolve();
    const now = Date.now();
    return ranges.map(({ channel, after, upTo }) => this.getLog(channel, now)?.extent(after, upTo));
  }

  async positionBefore(channels: readonly string[], count: number): Promise<Position> {
    await Promise.resolve();
    return this.findLast(channels, count).before;
  }

  async logStarts(channels: readonly string[]): Promise<(LogStart | undefined)[]> {
    await Promise.resolve();
    const now = Date.now();
    return channels.map((channel) => {
      const log = this.getLog(channel, now);
      return log && { after: log.logStart, isTrimmed: log.isTrimmed };
    });
  }

  async lastPositions(channels: readonly string[], count: number): Promise<Position[]> {
    await Promise.resolve();
    return this.findLast(channels, count).positions;
  }

  private findLast(
    channels: readonly string[],
    count: number,
  ): { readonly before: Position; readonly positions: Position[] } {
    if (count === 0) return { before: this.head, positions: [] };
    const now = Date.now();
    const logs = channels.map((channel) => this.getLog(channel, now));
    const newest = logs.flatMap((log) => log?.newestPositions(count) ?? []).sort((a, b) => b - a);
    const last = newest.slice(0, count);
    const oldest = last.at(-1);
    const logStart = logs.map((log, i) => this.logStart(channels[i]!, log, now));
    const before = Math.max(oldest === undefined ? this.head : oldest - 1, this.epochStart, ...logStart);
    return { before, positions: last.filter((position) => position > before) };
  }

  async subscribe(channel: string): Promise<Position> {
    this.subscribed.add(channel);
    await Promise.resolve();
    return this.head;
  }

  unsubscribe(channel: string): void {
    this.subscribed.delete(channel);
  }

  renewLink(): void {}

  async send(node: string, message: string): Promise<number> {
    await Promise.resolve();
    if (node !== this.nodeId || !this.listener) return 0;
    this.listener.message(message);
    return 1;
  }

  readonly linkProblem = undefined;
  /** Memory has one line: no other will ever be heard of. */
  readonly line: DataLine;

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.listener = undefined;
    await Promise.resolve();
  }

  private append(publication: Publication): Position {
    const { channel, event, ephemeral, idempotencyKey, state, history } = publication;
    const now = Date.now();
    const remember = (position: Position) =>
      this.idempotency.remember(channel, idempotencyKey, position, now);
    const first = this.idempotency.find(channel, idempotencyKey, now);
    if (first !== undefined) return first;
    const log = this.getLog(channel, now, state !== undefined);
    const keyed = state && { key: state.key, count: (log instanceof MemoryState ? log.count : 0) + 1 };
    if (event.kind === 'r' && (log ? !(log as MemoryState).has(state!.key) : history?.ttl === undefined)) {
      remember(this.head);
      return this.head;
    }
    if (state && event.kind !== 'r' && log && !(log as MemoryState).hasRoomFor(state))
      throw stateFull(channel, state.maxKeys);
    const position = (this.head = Math.max(toPosition(now), this.head + 1));
    const prev = log?.newest.position ?? this.logStart(channel, undefined, now);
    const record = parseRecord(encodeRecord(position, prev, event, ephemeral, !log, this.line.shard, keyed));
    if (!ephemeral) this.store(publication, record, now);
    remember(position);
    if (this.subscribed.has(channel)) this.announcements.add(channel, record);
    return position;
  }

  private copy({ copy, event, ephemeral }: Publication, position: Position): void {
    if (!copy) return;
    const { log: channel, head, history } = copy;
    const text = toCopyText(event, head, position, this.line.shard);
    this.append({ channel, event: text, ephemeral, idempotencyKey: undefined, history });
  }

  private store({ channel, event, history, state }: Publication, record: EventRecord, now: number): void {
    const log = this.getLog(channel, now, state !== undefined);
    // A map is kept until its keys are removed, unless its definition has a time.
    const standard = state ? Infinity : this.options.ttl;
    const { ttl = standard, maxLength = this.options.maxLength, ttlAfterEnd = ttl } = history ?? {};
    const keptFor = event.kind === 'x' ? ttlAfterEnd : ttl;
    // By its id, which is ahead of a clock that was set back.
    const expires = toMs(record.position) + keptFor + EXPIRY_MARGIN_MS;
    if (state) {
      const map = (log as MemoryState | undefined) ?? new MemoryState(record.position, record.prev, expires);
      map.set(record, state, this.options.ttl, now);
      map.expires = expires;
      this.logs.set(toName(channel, true), map);
    } else if (log instanceof MemoryLog) log.append(record, maxLength, toPosition(now - ttl), expires);
    else this.logs.set(toName(channel, false), new MemoryLog([record], expires));
    if (keptFor < this.options.ttl) this.bury(channel, record.position);
  }

  private getLog(
    channel: string,
    now: number,
    isState = this.isState(channel),
  ): MemoryLog | MemoryState | undefined {
    const name = toName(channel, isState);
    const log = this.logs.get(name);
    if (!log || log.expires > now) return log;
    this.logs.delete(name);
    return undefined;
  }

  /** From where on nothing of a channel is missing. */
  private logStart(channel: string, log: MemoryLog | MemoryState | undefined, now: number): Position {
    if (log) return log.logStart;
    const kept = toPosition(now - this.options.ttl);
    return Math.max(kept, this.epochStart, this.tombstones.get(channel) ?? 0);
  }

  /** Deleted first, so that the map stays in the order of positions. */
  private bury(channel: string, position: Position): void {
    this.tombstones.delete(channel);
    this.tombstones.set(channel, position);
  }

  /** What Redis does by itself, and what its probe does: forgets what has expired, and moves the watermark. */
  private tick(): void {
    const now = Date.now();
    for (const [channel, log] of this.logs) if (log.expires <= now) this.logs.delete(channel);
    this.idempotency.tick(now);
    const kept = toPosition(now - this.options.ttl);
    for (const [channel, position] of this.tombstones) {
      if (position >= kept) break;
      this.tombstones.delete(channel);
    }
    this.runs.tick(now);
    this.head = Math.max(toPosition(now), this.head + 1);
    // Behind the announcements that wait.
    queueMicrotask(() => this.listener?.watermark(this.head));
  }
}

/** The log of a state channel has another name, as in Redis. */
function toName(channel: string, isState: boolean): string {
  return isState ? `map:${channel}` : `log:${channel}`;
}
