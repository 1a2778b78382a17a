import { Logger } from '../../util/logger.js';
import { MAX_TIMER } from '../../options/resolved-options.js';
import type { Position } from '../../event/position.js';
import { awakeFor } from '../../util/awake-for.js';

/**
 * The last part of the interval. Within it a renewal of the lease takes the probe along, and the announcement of an event
 * makes the probe superfluous.
 */
const EARLY = 1 / 4;

/** The events of a probe, for its broker. */
export interface ProbeListener {
  /** A probe is to be sent: `take()` gives it. */
  due(): void;
  /** Redis confirmed that all that was announced before a position has arrived, without a probe. */
  proven(position: Position, lastEvent: Position): void;
  /** Called once, when a probe that Redis has published has not come back within the interval; the probe then rests. */
  deaf(): void;
}

/** A probe that is about to be sent. */
export interface ProbeRun {
  /** Its pub/sub channel. */
  readonly channel: string;
  /** The position that was announced last; 0: none was. */
  readonly heard: Position;
  /** The age up to which that event proves the link, ms. */
  readonly recent: number;
}

/**
 * Proves that what is published arrives, by publishing to the node itself.
 *
 * A subscriber connection can be up and deaf (after a failover, or half-open): commands answer, publishes succeed,
 * nothing arrives. Only an announcement that came back the whole way shows that others do. A probe is one; so is that of an
 * event, if Redis confirms over the command connection that it is the last of the hub.
 *
 * At most twice the interval after the last proof a deaf connection is found: an event counts from when it was published.
 */
export class Probe {
  private readonly logger = new Logger('SseRedisProbe');
  /** The last position that was announced on this link; 0: none was. */
  heard: Position = 0;
  private timer: NodeJS.Timeout | undefined;
  private run: ProbeRun | undefined;
  private isActive = false;
  private pace = 1;
  private dueAt = 0;

  /**
   * @param channel pub/sub channel on which the node hears itself
   * @param interval ms
   */
  constructor(
    private readonly listener: ProbeListener,
    private readonly channel: string,
    private readonly interval: number,
  ) {}

  start(): void {
    this.isActive = true;
    this.pace = 1;
    this.rest();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.isActive = false;
    this.run = undefined;
    this.heard = 0;
  }

  /**
   * The probe for a round trip that is about to be made; undefined if none is due, or one is on its way.
   *
   * @param pace by what the time between two probes is stretched from now on
   */
  take(pace = this.pace): ProbeRun | undefined {
    const isFaster = pace < this.pace;
    this.pace = pace;
    if (!this.isActive || this.run) return undefined;
    if (!isFaster && performance.now() < this.dueAt - this.interval * EARLY) return undefined;
    const { channel, heard } = this;
    const run: ProbeRun = { channel, heard, recent: Math.floor(this.interval * EARLY) };
    this.run = run;
    clearTimeout(this.timer);
    return run;
  }

  /**
   * Redis has answered.
   *
   * @param proof as `renew.lua` returns it: 0 where it is on its way, or a position, the last event and its age in ms
   */
  answered(run: ProbeRun, [position, lastEvent = 0, age = 0]: readonly [number, ...number[]]): void {
    if (position === 0) void this.expect(run);
    if (position === 0 || this.run !== run) return;
    this.run = undefined;
    this.rest(age);
    this.listener.proven(position, lastEvent);
  }

  /** Sends a probe by itself, if one is due. @param publish resolves when Redis has published it */
  sendWith(publish: () => Promise<unknown>): void {
    const run = this.take();
    if (!run) return;
    publish().then(
      () => void this.expect(run),
      () => this.failed(run),
    );
  }

  /** It was not published, or perhaps not: its absence proves nothing. */
  failed(run: ProbeRun): void {
    if (this.run !== run) return;
    this.run = undefined;
    this.rest();
  }

  /** It came back. */
  returned(): void {
    if (!this.isActive) return;
    this.run = undefined;
    this.rest();
  }

  /** @param age ms since the link was proven */
  private rest(age = 0): void {
    const ms = Math.min(this.interval * this.pace - age, MAX_TIMER);
    this.dueAt = performance.now() + ms;
    this.wait(ms, () => this.listener.due());
  }

  private wait(ms: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, ms).unref();
  }

  /** From here on it is waited for: Redis sends an announcement before it answers. */
  private async expect(run: ProbeRun): Promise<void> {
    await awakeFor(this.interval, () => this.run !== run);
    if (this.run !== run) return;
    // `start()` is called again when there is a new subscription to prove.
    this.stop();
    this.logger.warn(`Published events did not arrive for ${this.interval} ms: subscribing anew.`);
    this.listener.deaf();
  }
}
