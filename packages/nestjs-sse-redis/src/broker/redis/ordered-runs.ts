import type { RedisRefusedError } from '../../errors/redis-refused.error.js';
import { RedisUnavailableError } from '../../errors/redis-unavailable.error.js';
import { MAX_WAITING, type Commands } from './commands.js';
import { getSize, type Outcome, type ScriptCall } from './script-call.js';
import { isPassing, leastTime, toRefusalCode } from './refusals.js';
import type { Script } from './script.js';

/** How long after a refusal the first held run is tried again. */
const RETRY_MS = 25;

/** A connection that is not open all the time: runs wait until it is. */
export interface PublishLink {
  readonly isOpen: boolean;
  /** Resolves when it is open, or closed for good; with an error where what it leads to cannot be used. */
  opened(): Promise<Error | undefined>;
}

/** The call to be made in place of one that did nothing, by its reply; undefined where it did what it was to do. */
export type Amend = (call: ScriptCall, reply: unknown) => ScriptCall | undefined;

interface Held {
  /** The place in the order of calls. */
  readonly number: number;
  call: ScriptCall;
  readonly deadline: number;
  readonly settle: (outcome: Outcome) => void;
  isRefused: boolean;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Runs a script in the order of calls, also where a server refuses it that is not the master or not ready.
 *
 * The script fails before its first write then, so that nothing ran. Its run is held, with all later ones behind it, and
 * tried again on each new connection until `timeout` is over. A run whose fate is unknown is never repeated.
 */
export class OrderedRuns {
  private readonly held: Held[] = [];
  private heldSize = 0;
  private isRecovering = false;
  private isStopped = false;
  private count = 0;
  /** The last run that Redis carried out: an earlier one would come behind it. */
  private lastDone = -1;
  /** The last refusal since then. */
  private refusal: RedisRefusedError | undefined;

  /**
   * @param timeout ms from the call to the outcome
   * @param amend a run that the script did not carry out for want of something is held, and repeated with that
   * @param link without it, the connection is open from the start on, and runs do not wait where it is lost
   */
  constructor(
    private readonly commands: Commands,
    private readonly script: Script,
    private readonly timeout: number,
    private readonly amend: Amend,
    private readonly link?: PublishLink,
  ) {}

  /** Never rejects. */
  run(call: ScriptCall): Promise<Outcome> {
    return new Promise((settle) => {
      const deadline = performance.now() + this.timeout;
      const run: Held = { number: this.count++, call, deadline, settle, isRefused: false, timer: undefined };
      const { outage } = this.commands;
      const isBlocked = this.isRecovering || this.held.length > 0 || outage.isReconnecting;
      if (isBlocked || this.link?.isOpen === false) this.hold(run, outage.cause);
      else void this.send(run);
    });
  }

  /** The connections are about to close: what is held gets its refusal now, not when its time is up. */
  stop(): void {
    this.isStopped = true;
    for (const run of this.take(this.held.length)) this.refuse(run);
  }

  private async send(run: Held): Promise<boolean> {
    const left = run.deadline - performance.now();
    // Its timer may be late, too. Sent, nobody would wait for its answer.
    if (left <= (run.isRefused ? leastTime(this.timeout) : 0)) {
      this.refuse(run);
      return false;
    }
    const [outcome] = await this.commands.runAll(this.script, [run.call], left);
    if ('error' in outcome!) {
      if (run.number > this.lastDone && this.mayBeRepeated(outcome.error)) {
        this.hold(run, outcome.error);
        return false;
      }
    } else {
      const amended = this.amend(run.call, outcome!.reply);
      if (amended) {
        run.call = amended;
        this.hold(run, undefined);
        return false;
      }
      this.lastDone = Math.max(this.lastDone, run.number);
      this.refusal = undefined;
      this.commands.outage.accepted();
    }
    run.settle(outcome!);
    return !('error' in outcome!);
  }

  private mayBeRepeated(error: Error): boolean {
    if (isPassing(error)) return true;
    if (!(error instanceof RedisUnavailableError)) return false;
    return this.link !== undefined || this.isRecovering || this.commands.outage.isReconnecting;
  }

  private hold(run: Held, refusal: Error | undefined): void {
    if (isPassing(refusal)) {
      this.refusal = refusal;
      run.isRefused = true;
    }
    const size = getSize([run.call]);
    const left = run.deadline - performance.now();
    if (left <= 0 || this.isStopped) return this.refuse(run);
    if (this.heldSize + size > MAX_WAITING)
      return run.settle({ error: this.commands.overloaded(this.heldSize) });
    this.heldSize += size;
    // Refusals come in the order of the runs, save those of a run that was tried again.
    const index = this.held.findIndex(({ number }) => number > run.number);
    this.held.splice(index === -1 ? this.held.length : index, 0, run);
    run.timer = setTimeout(() => {
      this.held.splice(this.held.indexOf(run), 1);
      this.heldSize -= size;
      this.refuse(run);
    }, left);
    if (!this.isRecovering) void this.recover();
  }

  private refuse(run: Held): void {
    const { cause } = this.commands.outage;
    // What has happened to the connections since the refusal says more.
    const isOver = cause && toRefusalCode(cause.message) !== this.refusal?.code;
    const refusal = isPassing(cause) ? cause : isOver ? undefined : this.refusal;
    run.settle({ error: refusal ?? this.commands.unavailable() });
  }

  /** Tries the first run until it is carried out; the others follow at once, in their order. */
  private async recover(): Promise<void> {
    this.isRecovering = true;
    while (this.held.length > 0) {
      const failure = await this.pause();
      if (failure) for (const run of this.take(this.held.length)) run.settle({ error: failure });
      const first = this.take(1)[0];
      if (first && (await this.send(first))) break;
    }
    this.isRecovering = false;
    for (const run of this.take(this.held.length)) void this.send(run);
  }

  /** Until the next try; or until the link is open, or why it will not be. */
  private async pause(): Promise<Error | undefined> {
    if (this.link?.isOpen === false) return this.link.opened();
    await this.commands.pause(RETRY_MS);
    return undefined;
  }

  private take(count: number): Held[] {
    const taken = this.held.splice(0, count);
    for (const { timer, call } of taken) {
      clearTimeout(timer);
      this.heldSize -= getSize([call]);
    }
    return taken;
  }
}
