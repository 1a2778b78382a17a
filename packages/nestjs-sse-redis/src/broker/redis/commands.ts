import type { ChainableCommander, Redis } from 'ioredis';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PublishOutcomeUnknownError } from '../../errors/publish-outcome-unknown.error.js';
import type { RedisRefusedError } from '../../errors/redis-refused.error.js';
import { RedisUnavailableError } from '../../errors/redis-unavailable.error.js';
import { backOffTime } from '../../util/back-off.js';
import { TurnBatch } from '../../util/turn-batch.js';
import { Waits, type Pause } from '../../util/waits.js';
import { withinTime } from '../../util/within-time.js';
import { describeError, type Outage } from './outage.js';
import { isNoScript, isPassing, isReplyError, isUnsent, leastTime, toRefusal } from './refusals.js';
import { Line } from './line.js';
import { getSize, type Outcome, type Replicas, type ScriptCall } from './script-call.js';
import type { Script } from './script.js';

/** How much may wait for an answer: in a hung Redis' socket buffers, and in ioredis. About 64 MB of text. */
export const MAX_WAITING = 64 * 1_048_576;
/** How long replicas are waited for (ms). The connection does nothing else meanwhile, its probes and readings included. */
const REPLICAS_WITHIN_MS = 500;

/** The calls of one turn. */
interface Round {
  readonly pipeline: ChainableCommander;
  /** About how many characters that is. */
  size: number;
  /** How many replicas the most demanding of its calls asks for. */
  replicas: number;
  /** The place of the answer how many have all of it. */
  waitedAt: number | undefined;
}

/** The results of all commands of a round; undefined if the time was up first. */
type RoundResults = Awaited<ReturnType<ChainableCommander['exec']>> | undefined;

/** Runs scripts over the command connection: those of a tick in one pipeline, within a time, with errors that say what happened. */
export class Commands {
  readonly line: Line;
  /** Of calls that were sent and not answered, about how many characters. */
  private waiting = 0;
  /** The rounds that were sent and not answered. */
  private readonly unanswered = new Set<Promise<unknown>>();
  private isLeaving = false;
  private readonly pauses = new Waits();
  /** The calls of a turn go out in one pipeline: a hundred publishes cost little more than one. */
  private readonly rounds = new TurnBatch(
    (): Round => ({ pipeline: this.redis.pipeline(), size: 0, replicas: 0, waitedAt: undefined }),
    (round) => this.sendRound(round),
  );

  constructor(
    private readonly redis: Redis,
    /** Of Redis, for messages. */
    readonly address: string,
    /** The rights that a user of Redis needs, for messages. */
    private readonly rights: string,
    readonly outage: Outage,
    private readonly timeout: number,
    /** Announcements go to the subscribers of one node of a cluster. */
    private readonly isSharded: boolean,
    /** That ids name. */
    shard: number | undefined,
  ) {
    this.line = new Line(shard);
    redis.on('close', () => this.line.lost());
    redis.on('ready', () => this.endPauses());
  }

  /** Runs a script that may be run again: it only reads, or does nothing the second time. */
  async read(script: Script, call: ScriptCall): Promise<unknown> {
    return (await this.readAll(script, [call]))[0];
  }

  /**
   * The same, several times in one pipeline.
   *
   * @param within ms; at most the time of all calls
   * @throws RedisUnavailableError | RedisRefusedError
   */
  async readAll(script: Script, calls: readonly ScriptCall[], within = this.timeout): Promise<unknown[]> {
    return (await this.runAll(script, calls, within)).map((outcome) => {
      if (!('error' in outcome)) return outcome.reply;
      if (outcome.error instanceof PublishOutcomeUnknownError) throw this.outcomeUnknown(outcome.error);
      throw outcome.error;
    });
  }

  /**
   * The same as `read`, for what an application asks. It waits as a publish does while the hub leaves a server that is not the master.
   */
  async ask(script: Script, call: ScriptCall): Promise<unknown> {
    return (await this.askAll(script, [call]))[0];
  }

  /** The same, several times in one pipeline. @throws RedisUnavailableError | RedisRefusedError */
  askAll(script: Script, calls: readonly ScriptCall[]): Promise<unknown[]> {
    return this.repeat(script, calls, (error) => this.mayPass(error));
  }

  /** The same as `ask`, for what an application has done: also where Redis is away, or did not say whether it was done. */
  async do(script: Script, call: ScriptCall): Promise<unknown> {
    const mayPass = (error: unknown) =>
      this.mayPass(error) || (error instanceof RedisUnavailableError && this.redis.status !== 'end');
    return (await this.repeat(script, [call], mayPass))[0];
  }

  private async repeat(
    script: Script,
    calls: readonly ScriptCall[],
    mayPass: (error: unknown) => boolean,
  ): Promise<unknown[]> {
    const deadline = performance.now() + this.timeout;
    for (let attempt = 0, left = this.timeout; ; attempt++) {
      try {
        return await this.readAll(script, calls, left);
      } catch (error) {
        if (!mayPass(error)) throw error;
        await this.pause(Math.min(backOffTime(attempt), deadline - performance.now()));
        left = deadline - performance.now();
        if (left <= leastTime(this.timeout)) throw error;
      }
    }
  }

  /** Waits before another attempt. A new connection may lead to a server that does not refuse: so it ends the wait. */
  readonly pause: Pause = (ms, signal) => this.pauses.wait(ms, signal);

  /** What was refused, or failed, may be tried again now. */
  endPauses(): void {
    this.pauses.end();
  }

  private mayPass(error: unknown): boolean {
    if (this.redis.status === 'end') return false;
    const isAway = this.isLeaving || this.outage.isReconnecting;
    return isPassing(error) || (isAway && error instanceof RedisUnavailableError);
  }

  /** The error for Redis' words. A server that is not the master is left for a new connection. */
  refuse(cause: Error): RedisRefusedError {
    const error = toRefusal(cause, this.address, this.rights);
    this.outage.refused(error);
    return error;
  }

  /** Whether nothing that was sent is waited for. */
  get isIdle(): boolean {
    return this.unanswered.size === 0;
  }

  /**
   * Leaves the connection when all that was sent over it is answered, within a time in ms. Nothing is sent meanwhile, since what a hub cuts off
   * itself has an unknown fate.
   *
   * @param leave resolves when the connection is closed
   */
  async leave(ms: number, leave: () => Promise<void>): Promise<void> {
    this.isLeaving = true;
    try {
      await withinTime(this.settled(), ms);
      await leave();
    } finally {
      this.isLeaving = false;
    }
  }

  /** What this turn sends, and what a script that was forgotten is sent again for, comes while the first is waited for. */
  private async settled(): Promise<void> {
    await nextTurn();
    while (this.unanswered.size > 0) {
      await Promise.allSettled(this.unanswered);
      await nextTurn();
    }
  }

  /**
   * Runs a script several times, in order, in one pipeline. Never rejects: each call has an outcome of its own.
   *
   * @param within ms; at most the time of all calls
   */
  async runAll(script: Script, calls: readonly ScriptCall[], within = this.timeout): Promise<Outcome[]> {
    if (this.redis.status !== 'ready' || this.isLeaving)
      return calls.map(() => ({ error: this.unavailable() }));
    if (this.waiting > MAX_WAITING) return calls.map(() => ({ error: this.overloaded() }));
    const outcomes = await this.send(script, calls, within);
    // Redis forgets scripts when it restarts and on SCRIPT FLUSH. It ran none of these, so they may be sent again.
    const forgotten = outcomes.flatMap((outcome, i) =>
      'error' in outcome && isNoScript(outcome.error) ? [i] : [],
    );
    if (forgotten.length > 0) {
      const again = await this.send(
        script,
        forgotten.map((i) => calls[i]!),
        within,
        true,
      );
      again.forEach((outcome, i) => (outcomes[forgotten[i]!] = outcome));
    }
    return outcomes.map((outcome) => ('error' in outcome ? { error: this.explain(outcome.error) } : outcome));
  }

  private async send(
    script: Script,
    calls: readonly ScriptCall[],
    within: number,
    load = false,
  ): Promise<Outcome[]> {
    const { items: round, result } = this.rounds.current;
    const { pipeline } = round;
    const { source, sha } = this.isSharded ? script.sharded : script;
    if (load) pipeline.script('LOAD', source);
    const start = pipeline.length;
    const { replid, connection, line } = this.line;
    const known = script.opensClock ? [replid] : [];
    for (const { keys, args, replicas = 0 } of calls) {
      if (replicas > round.replicas) round.replicas = replicas;
      pipeline.callBuffer('EVALSHA', sha, keys.length, ...keys, ...args, ...known);
    }
    const size = getSize(calls);
    round.size += size;
    this.waiting += size;
    const results = within < this.timeout ? await withinTime(result, within) : await result;
    if (!results) {
      const error = new Error(`no answer within ${Math.round(within)} ms`);
      return calls.map(() => ({ error }));
    }
    const replicas = round.waitedAt === undefined ? undefined : toReplicas(results[round.waitedAt]!);
    const notLoaded = load ? results[start - 1]![0] : null;
    return calls.map((_, i) => {
      const [error, reply] = results[start + i]!;
      // That the script is missing once more says less than why it could not be loaded.
      if (error) return { error: notLoaded && isNoScript(error) ? notLoaded : error };
      if (!script.opensClock) return { reply, line, replicas };
      return { reply, line: this.line.learn(reply, { connection, line }), replicas };
    });
  }

  private sendRound(round: Round): Promise<RoundResults> {
    const { pipeline, size, replicas } = round;
    if (replicas > 0) {
      round.waitedAt = pipeline.length;
      pipeline.wait(replicas, Math.min(REPLICAS_WITHIN_MS, Math.ceil(this.timeout / 2)));
    }
    // Until ioredis lets go of them, which may be long after the time is up.
    const execution = pipeline.exec().finally(() => (this.waiting -= size));
    const answer = withinTime(execution, this.timeout);
    this.unanswered.add(answer);
    return answer.finally(() => this.unanswered.delete(answer));
  }

  private explain(error: Error): Error {
    if (isReplyError(error)) return this.refuse(error);
    // Whatever else happened, happened after it was sent.
    if (isUnsent(error)) return this.unavailable();
    return new PublishOutcomeUnknownError(
      `Redis at ${this.address} did not answer (${error.message}): the event may have been published, or not. Publish it again with the same idempotencyKey.`,
      { cause: error },
    );
  }

  /** @param waiting bytes of publishes that are not answered yet */
  overloaded(waiting = this.waiting): RedisUnavailableError {
    return new RedisUnavailableError(
      `Redis at ${this.address} is behind with ${Math.round(waiting / 1_048_576)} MiB of publishes: nothing was sent. Publish more slowly, or await what was published before.`,
    );
  }

  private outcomeUnknown({ cause }: PublishOutcomeUnknownError): RedisUnavailableError {
    return new RedisUnavailableError(
      `Redis at ${this.address} did not answer (${(cause as Error).message}): what was asked may have been done, or not. It may be asked again; this process reconnects by itself.`,
      { cause },
    );
  }

  unavailable(): RedisUnavailableError {
    const { cause } = this.outage;
    const reason = cause ? ` (${describeError(cause)})` : '';
    return new RedisUnavailableError(
      `Redis at ${this.address} does not answer${reason}: nothing was done. Try again later; this process reconnects by itself.`,
      { cause },
    );
  }
}

function toReplicas([error, count]: [Error | null, unknown]): Replicas {
  return error ? { count: 0, cause: error } : { count: Number(count), cause: undefined };
}
