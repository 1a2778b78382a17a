import { setTimeout as delay } from 'node:timers/promises';
import { RedisUnavailableError } from '../../errors/redis-unavailable.error.js';
import { withinTime } from '../../util/within-time.js';
import type { Commands } from './commands.js';
import type { CommandConnection } from './connections.js';
import type { PublishLink } from './ordered-runs.js';
import { isPassing, isReplyError } from './refusals.js';

/**
 * A connection that has rested for so long is proven before anything is sent over it. A function that was frozen, or a machine that slept,
 * wakes with a socket that is dead, and what is sent over that has an unknown fate.
 */
const PROVEN_FOR_MS = 5_000;
/** How long the proof may take at most. After it a new connection is made, for which the publishes that wait need time, too. */
const PROOF_WITHIN_MS = 1_000;
const PROOF_PART = 1 / 4;
const RETRY_MS = 100;

/** The one connection of a publisher: opened for the first publish, and made anew where it died meanwhile. */
export class PublisherLink implements PublishLink {
  private isChecked = false;
  private isClosed = false;
  private opening: Promise<Error | undefined> | undefined;
  private answeredAt = 0;
  private wake: (() => void) | undefined;

  /**
   * @param publishTimeout ms that publishes wait
   * @param check looks at the server that the first connection leads to; throws where it cannot be used
   */
  constructor(
    private readonly connections: CommandConnection,
    private readonly commands: Pick<Commands, 'isIdle'>,
    private readonly publishTimeout: number,
    private readonly check: () => Promise<unknown>,
  ) {}

  get isOpen(): boolean {
    return this.isReady && this.isChecked && !this.hasRested;
  }

  /** Redis has answered: the connection is alive. */
  answered(): void {
    this.answeredAt = Date.now();
  }

  opened(): Promise<Error | undefined> {
    return (this.opening ??= this.open().finally(() => (this.opening = undefined)));
  }

  close(): void {
    this.isClosed = true;
    this.wake?.();
  }

  private get isReady(): boolean {
    return this.connections.command.status === 'ready';
  }

  /**
   * By the wall clock, which goes on while a process is frozen. Set back, it proves nothing either. A proof would wait behind what is not
   * answered yet, and a slow server is not a dead one.
   */
  private get hasRested(): boolean {
    return this.commands.isIdle && Math.abs(Date.now() - this.answeredAt) > PROVEN_FOR_MS;
  }

  private async open(): Promise<Error | undefined> {
    while (!this.isClosed && !this.isOpen) {
      try {
        await this.ready();
        if (this.isClosed) break;
        await (this.isChecked ? this.prove() : this.examine());
      } catch (error) {
        if (!isPassing(error) && !(error instanceof RedisUnavailableError)) return error as Error;
        await delay(RETRY_MS);
      }
    }
    return undefined;
  }

  /** Resolves when the connection stands, or this is closed. ioredis goes on trying by itself. */
  private async ready(): Promise<void> {
    const { command } = this.connections;
    if (this.isReady) return;
    const ready = new Promise<void>((resolve) => {
      this.wake = resolve;
      command.once('ready', resolve);
    });
    // It rejects at the first failure. Why it fails is heard by the listener for errors.
    if (command.status === 'wait') command.connect().catch(() => undefined);
    await ready;
  }

  private async examine(): Promise<void> {
    await this.check();
    this.isChecked = true;
    this.answered();
  }

  private async prove(): Promise<void> {
    const within = Math.min(PROOF_WITHIN_MS, this.publishTimeout * PROOF_PART);
    // TIME, since whoever may run the scripts may call it. A refusal is an answer, too.
    const asked = this.connections.command.time().then(isAnswer, isReplyError);
    if (await withinTime(asked, within)) this.answered();
    else await this.connections.leave(undefined);
  }
}

const isAnswer = (): boolean => true;
