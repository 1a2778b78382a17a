import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Subject, takeUntil } from 'rxjs';
import type { SseEvent } from '../event/sse-event.js';
import { observeLog } from '../hub/observe-events.js';
import type { SseHub } from '../hub/sse-hub.js';
import { breakResponse } from '../util/break-response.js';
import type { RunEndState } from '../runs/run.types.js';
import type { BrokenEnding, ChunkProtocol } from './chunk-protocol.interface.js';
import { CHUNK_TYPE } from './chunk-source.js';

const COMMENT = ':\n\n';
const DONE = 'data: [DONE]\n\n';

/** ms for a client to take the end of a run once the process is being closed. */
const LAST_WORDS = 1_000;

/** What a stream of a run needs. */
export interface RunStreamOptions {
  readonly hub: SseHub;
  readonly channel: string;
  /** Of the run. */
  readonly id: string;
  /** Where the stream goes. */
  readonly response: ServerResponse;
  readonly protocol: ChunkProtocol;
  readonly texts: Readonly<Record<BrokenEnding, string>>;
}

/**
 * A run from its beginning to its end, as blocks of an event stream that have `data` only.
 *
 * It reads the log as fast as its client takes it: where `limits.bufferedBytes` wait, it lets go of the channel, and goes on after
 * the last event when they are gone. A client that takes nothing for `stallTimeout` is cut off.
 */
export class RunStream extends Readable {
  private readonly paused = new Subject<void>();
  private isReading = false;
  private isOver = false;
  /** The id after which to read on. */
  private after: string;
  /** A chunk whose end is in the next event. */
  private part = '';
  private beat: NodeJS.Timeout | undefined;
  private stall: NodeJS.Timeout | undefined;
  private forget: (() => void) | undefined;

  constructor(private readonly options: RunStreamOptions) {
    super({ highWaterMark: options.hub.internals.options.bufferedBytes });
    this.after = options.id;
  }

  override _read(): void {
    clearTimeout(this.stall);
    if (this.beat === undefined) this.begin();
    if (!this.isReading && !this.isOver) this.subscribe();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearInterval(this.beat);
    clearTimeout(this.stall);
    this.forget?.();
    this.isOver = true;
    this.paused.next();
    callback(error);
  }

  private begin(): void {
    const { hub, response } = this.options;
    const { state, options } = hub.internals;
    // The adapter of Nest 11 for Express leaves a stream open whose client went.
    if (response.destroyed) return void this.destroy();
    response.once('close', () => this.destroy());
    this.forget = state.onHandOver(() => this.leave());
    this.beat = setInterval(
      () => this.isOver || this.readableLength > 0 || this.push(COMMENT),
      options.heartbeatInterval,
    );
    this.beat.unref();
    // Sends the headers, while the model may think for long.
    this.push(COMMENT);
  }

  private subscribe(): void {
    const { hub, channel } = this.options;
    this.isReading = true;
    // The end of this run may be of the past when its client reads it: the next question, or another event, follows it.
    observeLog(hub.internals, channel, { after: this.after }, { isEndless: true })
      .pipe(takeUntil(this.paused))
      .subscribe({
        next: (event) => this.onEvent(event),
        error: () => this.cut(),
        // The hub is closed.
        complete: () => !this.isReading || this.isOver || this.cut(),
      });
  }

  private onEvent(event: SseEvent): void {
    if (this.isOver) return;
    this.after = event.id;
    if (event.type === 'gap') return this.finish('gap');
    if (event.type === 'end') return this.onRunEnd(event.data);
    if (event.type !== CHUNK_TYPE || typeof event.data !== 'string') return;
    const lines = (this.part + event.data).split('\n');
    this.part = lines.pop()!;
    if (lines.length > 0 && !this.push(lines.map((line) => `data: ${line}\n\n`).join(''))) this.rest();
  }

  /** The channel may have the ends of pipes, and of other runs, too. */
  private onRunEnd(data: unknown): void {
    const { run, outcome } = data as { readonly run?: unknown; readonly outcome?: RunEndState };
    if (run === this.options.id) this.finish(outcome === 'done' ? undefined : outcome);
  }

  private finish(ending?: BrokenEnding): void {
    const { protocol, texts } = this.options;
    this.isOver = true;
    const last = ending ? `data: ${JSON.stringify(protocol.toEnding(ending, texts[ending]))}\n\n` : '';
    const isCut = ending !== undefined && protocol.isCutWhenBroken;
    if (isCut) this.cutAtEnd();
    this.push(isCut ? last : `${last}${DONE}`);
    this.push(null);
    this.rest();
  }

  private rest(): void {
    this.isReading = false;
    this.paused.next();
    clearTimeout(this.stall);
    this.stall = setTimeout(() => this.cut(), this.options.hub.internals.options.stallTimeout);
    this.stall.unref();
  }

  /** The process is being closed. The end of the run may be on its way to the client, which could not resume it elsewhere. */
  private leave(): void {
    if (!this.isOver) return this.cut();
    clearTimeout(this.stall);
    this.stall = setTimeout(() => this.cut(), LAST_WORDS);
    this.stall.unref();
  }

  /** Breaks the connection where the response would end: the client then has all that was written. */
  private cutAtEnd(): void {
    const { response } = this.options;
    response.end = () => {
      response.write(COMMENT, () => this.cut());
      return response;
    };
  }

  /** An end would say that the answer is whole: the client comes back, or says that its network failed. */
  private cut(): void {
    breakResponse(this.options.response);
    this.destroy();
  }
}
