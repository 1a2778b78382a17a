import { createHash } from 'node:crypto';
import { DrainingError } from '../errors/draining.error.js';
import { RedisRefusedError } from '../errors/redis-refused.error.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import { readLog } from '../delivery/history.js';
import { MAX_CHANNEL_LENGTH } from '../event/channel-name.js';
import type { GapNotice } from '../event/gap.js';
import { OwnData } from '../event/own-data.js';
import type { SseEvent } from '../event/sse-event.js';
import { observeLog } from '../hub/observe-events.js';
import type { SseHub } from '../hub/sse-hub.js';
import type { PipeItem } from '../publish/pipe-source.js';
import { backOffTime } from '../util/back-off.js';
import type { EventHandler } from './event-handler.js';
import type { ListenedLog } from './listened-log.js';
import { FailoverLosses } from './failover-losses.js';
import type { Pause } from '../util/waits.js';
import { Wake } from './wake.js';

/** The type of the events that keep the position. */
const HANDLED = 'handled';
const PAGE = 100;
/** Ends and beginnings of runs lie between two positions. */
const LOOK_BACK = 1_000;
const LONGEST_MS = 3_600_000;

/** What tells the owner to look into the log, and what the log does not show. */
interface Looks {
  readonly wake: Wake;
  readonly losses: FailoverLosses;
}

/**
 * Hands the events of a log to a method in one process of all. The process is the owner of a run, so that a dead one is followed
 * within lease and sweep, and one that is taken for dead stores nothing any more. The run's events are the positions up to which events
 * have been handled.
 */
export class ClusterListener {
  private readonly positions: string;
  private readonly pause: Pause;
  /** What keeps it from beginning, as it was told last. */
  private problem: string | undefined;

  /** @param name of the listener, the same in all processes */
  constructor(
    private readonly hub: SseHub,
    private readonly log: ListenedLog,
    name: string,
    private readonly handler: EventHandler,
  ) {
    this.positions = toPositions(name, log.label);
    hub.internals.definitions.keep(this.positions);
    this.pause = hub.internals.shards.pauseOf(log.name, this.positions);
  }

  /** Stands for owner as long as the process is there. @param signal ends it. Resolves when what it was at is done */
  async listen(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted && !this.hub.isClosed; attempt++) {
      try {
        const run = await this.hub.run(this.positions, (stop) => this.work(AbortSignal.any([stop, signal])));
        const outcome = run.isNew ? run.outcome() : Promise.race([run.outcome(), aborted(signal)]);
        const isAnotherTurn = (await outcome)?.state !== 'failed';
        if (isAnotherTurn) attempt = 0;
        this.problem = undefined;
      } catch (error) {
        if (error instanceof DrainingError) return;
        this.tell(error);
      }
      await this.pause(backOffTime(attempt), signal);
    }
  }

  /** Of an outage the hub tells. Anything else would keep events waiting for no reason that anybody sees. */
  private tell(error: unknown): void {
    const problem = String(error);
    if (error instanceof RedisUnavailableError || problem === this.problem) return;
    this.problem = problem;
    this.handler.warn(
      `It cannot begin with ${JSON.stringify(this.log.label)}, and goes on trying: ${problem}`,
    );
  }

  /** The work of the owner: the positions up to which events are handled. */
  private async *work(signal: AbortSignal): AsyncGenerator<PipeItem> {
    const wake = new Wake(
      (onLive) => observeLog(this.hub.internals, this.log.name, {}, { isEndless: true, onLive }),
      signal,
    );
    const losses = new FailoverLosses(this.hub.internals.shards.of(this.log.name).lost, this.log.name);
    try {
      let position = await this.untilRead(() => this.findPosition(), signal);
      while (!signal.aborted) {
        // Also where nothing comes: the position is not to be forgotten before the events.
        if (position !== undefined) yield handled(position);
        position = yield* this.workOff(position, { wake, losses }, signal);
        await wake.next(Math.min(LONGEST_MS, this.hub.internals.options.ttl / 4));
      }
    } finally {
      wake.stop();
    }
  }

  /** Handles all that is there. @returns the position behind it */
  private async *workOff(
    from: string | undefined,
    { wake, losses }: Looks,
    signal: AbortSignal,
  ): AsyncGenerator<PipeItem, string | undefined> {
    let position = from;
    while (!signal.aborted) {
      wake.reset();
      const after = position ?? 'start';
      const page = await this.untilRead(
        () => readLog(this.hub.internals.shards, this.log.name, { after, limit: PAGE }),
        signal,
      );
      if (!page) break;
      const isLost = losses.findNew(position, page.cursor);
      if (position !== undefined && (isLost || page.gap)) {
        const gap = this.toGap(position, page.events[0]?.id ?? page.cursor);
        // Its position is not kept: behind it there may be an event that is not handled yet.
        if (!(await this.handler.handle(gap, signal))) return position;
      }
      for (const event of page.events) {
        if (!(await this.handler.handle(this.log.toEvent(event), signal))) return position;
        position = event.id;
        yield handled(position);
      }
      position = page.cursor;
      if (page.events.length === 0) break;
    }
    return position;
  }

  /** Redis may be away for a while. @returns undefined where the signal came first */
  private async untilRead<Value>(
    read: () => Promise<Value>,
    signal: AbortSignal,
  ): Promise<Value | undefined> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await read();
      } catch (error) {
        const isOutage = error instanceof RedisUnavailableError || error instanceof RedisRefusedError;
        if (!isOutage) throw error;
        await this.pause(backOffTime(attempt), signal);
      }
    }
    return undefined;
  }

  private async findPosition(): Promise<string | undefined> {
    const { events } = await this.hub.history(this.positions, { limit: LOOK_BACK });
    return events.findLast(({ type }) => type === HANDLED)?.data as string | undefined;
  }

  private toGap(from: string, to: string): SseEvent {
    const { name: channel } = this.log;
    const data: GapNotice = { channel, from, to };
    const gap = this.log.toEvent({ id: to, channel, type: 'gap', data });
    this.handler.report(
      gap,
      `says that events after ${from} are not in Redis any more, and were not handled`,
    );
    return gap;
  }
}

/** The channel of the positions. Names that do not fit are told apart by a hash: two listeners with one channel would share the events. */
function toPositions(name: string, channel: string): string {
  const whole = `listener:${name}:${channel}`;
  if (whole.length <= MAX_CHANNEL_LENGTH) return whole;
  return `listener:${name}:${createHash('sha256').update(channel).digest('base64url')}`;
}

function handled(position: string): PipeItem {
  return { type: HANDLED, data: new OwnData(position) };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
