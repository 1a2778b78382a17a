import { Logger } from '../../util/logger.js';
import { formatEventId, type Position } from '../../event/position.js';
import type { ResolvedOptions } from '../../options/resolved-options.js';
import { NO_STATE, type IsState } from '../broker.interface.js';
import { toChunks } from '../../util/chunks.js';
import { SpacedBatch } from '../../util/spaced-batch.js';
import type {
  LogExtent,
  LogRange,
  LogSlice,
  LogStart,
  ReadLimits,
  ReadRequest,
} from '../broker.interface.js';
import type { Commands } from './commands.js';
import type { ScriptCall } from './script-call.js';
import type { Keys } from './keys.js';
import { parseExtents, parseSlices } from './log-replies.js';
import { Script } from './script.js';
import checkWritesLua from './scripts/check-writes.lua.js';
import extentsLua from './scripts/extents.lua.js';
import readLua from './scripts/read.lua.js';
import rewindLua from './scripts/rewind.lua.js';
import startsLua from './scripts/starts.lua.js';

const CHECK_WRITES = new Script(checkWritesLua);
const EXTENTS = new Script(extentsLua);
const READ = new Script(readLua, true);
const REWIND = new Script(rewindLua);
const STARTS = new Script(startsLua);

/** How many logs one run of a script reads: Redis does nothing else meanwhile. */
const LOGS_PER_CALL = 64;
/** What scripts answer that have to be given the key of tombstones. */
const NEEDS_TOMBSTONES = 0;
/** The same of a script that reads no records. */
const RANGES_PER_CALL = 100;
/** The least time from one question for the position to the next. */
const POSITION_SPACING_MS = 5;
/** Channels whose unreadable entries were reported: beyond these the warnings would be the smaller help. */
const MAX_REPORTED = 100;

/** The logs of all channels in Redis, for reading. */
export class RedisLogs {
  private readonly logger = new Logger('SseRedisBroker');
  private readonly reported = new Set<string>();
  private hasTombstones = false;
  /** All that ask at about the same time share the answer, which is no older than the question. */
  private readonly positionReads = new SpacedBatch(
    () => undefined,
    () => this.readPosition(),
    POSITION_SPACING_MS,
  );

  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
    private readonly options: Pick<ResolvedOptions, 'ttl'>,
    private readonly isState: IsState = NO_STATE,
  ) {}

  position(): Promise<Position> {
    return this.positionReads.current.result;
  }

  async checkWrites(): Promise<void> {
    await this.commands.read(CHECK_WRITES, { keys: [this.keys.clock], args: [] });
  }

  async read(requests: readonly ReadRequest[], limits: ReadLimits): Promise<LogSlice[]> {
    const chunks = toChunks(requests, LOGS_PER_CALL);
    const replies = await this.ask(READ, () => chunks.map((chunk) => this.readCall(chunk, limits)));
    const onUnreadable = (channel: string, { message }: Error): void => this.report(channel, message);
    return replies.flatMap((reply, i) => parseSlices(chunks[i]!, reply, onUnreadable));
  }

  async extents(ranges: readonly LogRange[]): Promise<(LogExtent | undefined)[]> {
    const chunks = toChunks(ranges, RANGES_PER_CALL);
    const calls = chunks.map((chunk) => ({
      keys: chunk.map(({ channel }) => this.logOf(channel)),
      args: chunk.flatMap(({ after, upTo }) => [`(${formatEventId(after)}`, formatEventId(upTo)]),
    }));
    const replies = await this.commands.askAll(EXTENTS, calls);
    return replies.flatMap((reply, i) => parseExtents(chunks[i]!.length, reply));
  }

  async positionBefore(channels: readonly string[], count: number): Promise<Position> {
    const [before] = await this.findLast(channels, count);
    return before === -1 ? this.position() : before;
  }

  async logStarts(channels: readonly string[]): Promise<(LogStart | undefined)[]> {
    const chunks = toChunks(channels, RANGES_PER_CALL);
    const replies = (
      await this.ask(STARTS, () => chunks.map((chunk) => this.call(chunk, [])))
    ).flat() as number[];
    return channels.map((_, i) => {
      const after = replies[2 * i]!;
      return after < 0 ? undefined : { after, isTrimmed: replies[2 * i + 1] === 1 };
    });
  }

  async lastPositions(channels: readonly string[], count: number): Promise<Position[]> {
    const [, ...positions] = await this.findLast(channels, count);
    return positions;
  }

  private async findLast(channels: readonly string[], count: number): Promise<[Position, ...Position[]]> {
    const [reply] = await this.ask(REWIND, () => [this.call(channels, [count])]);
    return reply as [Position, ...Position[]];
  }

  private readCall(requests: readonly ReadRequest[], limits: ReadLimits): ScriptCall {
    const { records, bytes } = limits;
    const logs: string[] = [];
    const args: (string | number)[] = [this.options.ttl, records, bytes];
    for (const { channel, after } of requests) {
      const isState = this.isState(channel);
      logs.push(this.logOf(channel));
      if (isState) logs.push(this.keys.stateKeys(channel));
      args.push(isState ? `s${after}` : after);
    }
    return { keys: [this.keys.clock, this.tombstones, ...logs], args };
  }

  /** The key is named once there are tombstones: see `needsTombstones` in include/logs.lua. */
  private get tombstones(): string {
    return this.hasTombstones ? this.keys.tombstones : this.keys.clock;
  }

  private async ask(script: Script, toCalls: () => ScriptCall[]): Promise<unknown[]> {
    const replies = await this.commands.askAll(script, toCalls());
    if (!replies.includes(NEEDS_TOMBSTONES)) return replies;
    this.hasTombstones = true;
    return this.commands.askAll(script, toCalls());
  }

  private logOf(channel: string): string {
    return this.isState(channel) ? this.keys.stateLog(channel) : this.keys.log(channel);
  }

  /** A call of a script that looks into logs. */
  private call(channels: readonly string[], args: readonly number[]): ScriptCall {
    const logs = channels.map((channel) => this.logOf(channel));
    return { keys: [this.keys.clock, this.tombstones, ...logs], args: [this.options.ttl, ...args] };
  }

  private async readPosition(): Promise<Position> {
    const [reply] = await this.ask(READ, () => [this.readCall([], { records: 0, bytes: 0 })]);
    return (reply as [Position])[0];
  }

  private report(channel: string, problem: string): void {
    if (this.reported.has(channel) || this.reported.size >= MAX_REPORTED) return;
    this.reported.add(channel);
    this.logger.warn(
      `The log of channel ${JSON.stringify(channel)} has entries that its clients cannot be sent; they are told of a gap. ${problem}`,
    );
  }
}
