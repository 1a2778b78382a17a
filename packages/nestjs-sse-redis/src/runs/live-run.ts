import type { Publication } from '../broker/broker.interface.js';
import { RunEndedError } from '../errors/run-ended.error.js';
import { SourceFailedError } from '../errors/source-failed.error.js';
import type { Position } from '../event/position.js';
import type { SseEventInput } from '../event/sse-event.js';
import { checkSource, OpenSource, type PipeSource } from '../publish/pipe-source.js';
import { BatchWindow } from './batch-window.js';
import { mergeItems } from './merge-items.js';
import { toRunEnd, toRunError } from './run-events.js';
import type { ResolvedRunOptions } from './run-options.js';
import { RunWriter, type WriterHost } from './run-writer.js';
import type { RunEndState, RunOutcome, RunSource } from './run.types.js';

/** How long a source that was stopped may take to clean up, ms. */
const CLEAN_UP_MS = 1_000;

/** What a run needs of its process. */
export interface RunHost extends WriterHost {
  readonly payloadBytes: number;
  /** Makes of an item what is published. @throws InvalidEventError | InvalidEventDataError | PayloadTooLargeError */
  prepare(channel: string, event: SseEventInput): Publication | Promise<Publication>;
}

/** A run of this process: its source on its way into the channel. */
export class LiveRun {
  /** Resolves when the run has ended, and its end is stored or cannot be. Never rejects. */
  readonly ended: Promise<RunOutcome>;
  /** Whether all know of its end. */
  isEndStored = false;
  /** Called as soon as it has failed: its end may wait for Redis. */
  onFailed: (error: Error) => void = () => undefined;
  /** The position of the end that this process has stored. */
  endPosition: Position | undefined;
  private readonly controller = new AbortController();
  /** Nothing is written any more. */
  private readonly givenUp = new AbortController();
  private readonly writer: RunWriter;
  private readonly window: BatchWindow;
  private source: OpenSource<SseEventInput> | undefined;
  /** The first wish to end it from outside. */
  private wish: Exclude<RunEndState, 'done' | 'failed'> | undefined;
  private isCut = false;

  constructor(
    readonly id: string,
    readonly channel: string,
    source: RunSource,
    private readonly options: ResolvedRunOptions,
    private readonly host: RunHost,
  ) {
    this.writer = new RunWriter(id, host, this.givenUp.signal);
    this.window = new BatchWindow(options);
    this.ended = this.execute(source);
  }

  /**
   * Ends the run after what its source gave before. A source that has ended by itself is `done` all the same.
   *
   * @returns when it has ended
   */
  async stop(state: 'stopped' | 'interrupted'): Promise<RunOutcome> {
    if (this.wish === undefined && this.source?.isEnded !== true) {
      this.wish = state;
      const reason = new RunEndedError(
        `The run of channel ${JSON.stringify(this.channel)} is ${state}.`,
        state,
      );
      this.controller.abort(reason);
      await this.leaveSource();
    }
    return this.ended;
  }

  /** Others have taken the run for over: nothing of it may be stored. */
  cut(): void {
    this.isCut = true;
    this.giveUp();
    void this.stop('interrupted');
  }

  /** Writes nothing more, where Redis does not take it. */
  giveUp(): void {
    this.givenUp.abort();
  }

  private async execute(makeSource: RunSource): Promise<RunOutcome> {
    const outcome = await this.drain(makeSource);
    if (outcome.state === 'failed') this.onFailed(outcome.error!);
    return this.finish(outcome);
  }

  private async finish(outcome: RunOutcome): Promise<RunOutcome> {
    this.controller.abort(new RunEndedError('The run is over.', outcome.state));
    if (this.isCut || outcome.error instanceof RunEndedError) {
      this.isEndStored = true;
      return { state: outcome.state };
    }
    const { channel, id, host } = this;
    const end = { state: outcome.state, retain: this.options.retain };
    const fence = { id, node: host.nodeId, sequence: 0, base: 0, end };
    const error = outcome.state === 'failed' ? [toRunError(channel, toErrorCode(outcome.error))] : [];
    try {
      this.endPosition = await this.writer.write([...error, toRunEnd(channel, fence)], end, true);
    } catch (error) {
      this.isEndStored = error instanceof RunEndedError;
      if (error instanceof RunEndedError) return { state: error.state };
      // A sweep by another process ends it, when Redis is back.
      return { state: 'interrupted', error: error as Error };
    }
    this.isEndStored = true;
    return outcome;
  }

  /** Never rejects. */
  private async drain(makeSource: RunSource): Promise<RunOutcome> {
    const { signal } = this.controller;
    try {
      const source = await Promise.race([make(makeSource, signal), aborted(signal)]);
      this.source = this.open(source);
      // Stopped while the source was made.
      if (this.wish !== undefined) void this.leaveSource();
      await this.source.drain((items) => this.take(items));
      return { state: this.wish ?? 'done' };
    } catch (error) {
      if (error instanceof RunEndedError && this.wish === undefined) return { state: error.state, error };
      return this.wish === undefined ? { state: 'failed', error: error as Error } : { state: this.wish };
    }
  }

  private async leaveSource(): Promise<void> {
    this.window.close();
    const patience = new Promise((resolve) => setTimeout(resolve, CLEAN_UP_MS).unref());
    await this.source?.interrupt(this.controller.signal.reason as Error, patience);
  }

  private open(source: PipeSource): OpenSource<SseEventInput> {
    const prepare = (event: SseEventInput): SseEventInput => {
      this.window.count();
      return event;
    };
    return new OpenSource(source, prepare, () => this.window.close());
  }

  private async take(items: readonly SseEventInput[]): Promise<void> {
    const { channel, host, options } = this;
    const isJoined = options.interval > 0;
    const limits = { items: options.items, bytes: host.payloadBytes };
    const events = isJoined ? mergeItems(items, limits) : items;
    const publications: Publication[] = [];
    let failure: { readonly error: unknown } | undefined;
    for (const event of events) {
      try {
        publications.push(await host.prepare(channel, event));
      } catch (error) {
        failure = { error };
        break;
      }
    }
    if (publications.length > 0) await this.writer.write(publications);
    if (failure) throw failure.error;
    await this.window.pass(items.length);
  }
}

/** @throws SourceFailedError | InvalidEventError */
async function make(makeSource: RunSource, signal: AbortSignal): Promise<PipeSource> {
  let source: PipeSource;
  try {
    source = await makeSource(signal);
  } catch (cause) {
    throw new SourceFailedError(`The source of the run could not be made: ${describe(cause)}`, { cause });
  }
  checkSource(source, 'hub.run()');
  return source;
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Rejects when it is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function toErrorCode(error: unknown): string {
  return error instanceof SourceFailedError ? error.code : 'STREAM_FAILED';
}
