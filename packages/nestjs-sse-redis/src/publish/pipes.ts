import { setTimeout as delay } from 'node:timers/promises';
import type { PublishOptions } from './publish.types.js';
import type { Publication, PublishOutcome } from '../broker/broker.interface.js';
import { DrainingError } from '../errors/draining.error.js';
import { Logger } from '../util/logger.js';
import { stackOf } from '../util/stack-of.js';
import { PipeInterruptedError } from '../errors/pipe-interrupted.error.js';
import { SourceFailedError } from '../errors/source-failed.error.js';
import { formatHubEvent, type EventText } from '../event/event-text.js';
import type { Position } from '../event/position.js';
import type { SseEventInput } from '../event/sse-event.js';
import type { Failure } from './pipe-queue.js';
import { OpenSource, type PipeSource } from './pipe-source.js';

const logger = new Logger('SseHub');

/** How a pipe publishes. */
export interface PipePublisher {
  /** Makes of an item what is published. @throws InvalidEventError | InvalidEventDataError | PayloadTooLargeError */
  prepare(channel: string, event: SseEventInput, options: PublishOptions): Publication | Promise<Publication>;
  /** Makes a publication of an event of the hub's own. */
  prepareHubEvent(channel: string, event: EventText): Publication;
  /** Publishes in the given order. */
  send(publications: readonly Publication[]): Promise<PublishOutcome[]>;
}

/** Where the stream of a channel ended. */
export interface ChannelEnd {
  readonly channel: string;
  readonly position: Position;
}

/** The part of the time of an interruption in which sources may clean up; the rest is for what is published after that. */
const CLEAN_UP_PART = 2 / 3;

/** A source on its way into a channel, and the `end` behind it. */
class Pipe {
  end: ChannelEnd | undefined;
  private readonly source: OpenSource<Publication | Promise<Publication>>;

  constructor(
    private readonly channel: string,
    source: PipeSource,
    private readonly publisher: PipePublisher,
  ) {
    this.source = new OpenSource(source, (event) => {
      const prepared = publisher.prepare(channel, event, { replicas: 0 });
      // It waits for its batch, in which its failure counts.
      if (prepared instanceof Promise) prepared.catch(() => undefined);
      return prepared;
    });
  }

  async run(): Promise<void> {
    try {
      await this.source.drain(async (batch) => {
        await this.publishBatch(batch);
      });
    } catch (error) {
      // If this cannot be published either, the first error says why.
      await this.finish(this.toErrorEvent(toErrorCode(error))).catch(() => undefined);
      throw error;
    }
    await this.finish();
  }

  interrupt(patience: Promise<unknown>): Promise<void> {
    const error = new PipeInterruptedError(
      `The application was closed while a source was piped into ${JSON.stringify(this.channel)}. What the source gave before is published, and the channel's stream has ended.`,
    );
    return this.source.interrupt(error, patience);
  }

  private async finish(...before: readonly Publication[]): Promise<void> {
    const { channel } = this;
    const end = { kind: 'x', text: formatHubEvent('end', { channel }) } as const;
    const position = await this.publish([...before, this.publisher.prepareHubEvent(channel, end)]);
    this.end = { channel, position };
  }

  private toErrorEvent(code: string): Publication {
    const { channel } = this;
    const text = formatHubEvent('error', { channel, code });
    return this.publisher.prepareHubEvent(channel, { kind: 'j', text });
  }

  /** Publishes the items before the first that is not valid. @throws its error, and as `publish` */
  private async publishBatch(batch: readonly (Publication | Promise<Publication>)[]): Promise<void> {
    const publications: Publication[] = [];
    let failure: Failure | undefined;
    for (const prepared of batch) {
      try {
        publications.push(prepared instanceof Promise ? await prepared : prepared);
      } catch (error) {
        failure = { error };
        break;
      }
    }
    if (publications.length > 0) await this.publish(publications);
    if (failure) throw failure.error;
  }

  /** Returns the position of the last one. @throws the error of the first that could not be published */
  private async publish(publications: readonly Publication[]): Promise<Position> {
    let last = 0;
    for (const outcome of await this.publisher.send(publications)) {
      if ('error' in outcome) throw outcome.error;
      last = outcome.position;
    }
    return last;
  }
}

interface Running {
  readonly run: Promise<void>;
  /** Where the promise is that was given to the application. */
  readonly place: { readonly promise?: Promise<void> };
}

/** The running pipes of this process. They are a part of the drain: none outlives the hub without a word to its clients. */
export class Pipes {
  private readonly running = new Map<Pipe, Running>();
  private isDraining = false;

  constructor(private readonly publisher: PipePublisher) {}

  /**
   * Publishes what a source gives, then the end.
   *
   * Where the process is shut down, the promise counts as handled: a pipe that nobody awaits would end the process by its
   * rejection, before the clients are handed over.
   *
   * @param begin checks what is to be piped, and gives it
   * @throws DrainingError, with the source untouched; and as `hub.pipe()`
   */
  run(begin: () => { readonly channel: string; readonly source: PipeSource }): Promise<void> {
    const place: { promise?: Promise<void> } = {};
    const promise = this.runToEnd(begin, place);
    place.promise = promise;
    if (this.isDraining) handled(promise);
    return promise;
  }

  private async runToEnd(
    begin: () => { readonly channel: string; readonly source: PipeSource },
    place: { readonly promise?: Promise<void> },
  ): Promise<void> {
    const { channel, source } = begin();
    if (this.isDraining) {
      throw new DrainingError(
        'This process is being shut down and pipes nothing more. Start the work in another one.',
      );
    }
    const pipe = new Pipe(channel, source, this.publisher);
    const run = pipe.run();
    this.running.set(pipe, { run, place });
    try {
      await run;
    } catch (error) {
      // Nest does not log it where it leaves a handler, and the client is not told the words.
      if (error instanceof SourceFailedError)
        logger.error(`The source piped into ${JSON.stringify(channel)} failed.`, stackOf(error.cause));
      throw error;
    } finally {
      this.running.delete(pipe);
    }
  }

  /**
   * Leaves all sources, and ends the streams of their channels: with an `error` before the end, unless the source ended by
   * itself meanwhile. No pipe begins from now on.
   *
   * @param timeout ms after which what hangs is no longer waited for
   * @returns the ends that were published
   */
  async interrupt(timeout: number): Promise<ChannelEnd[]> {
    this.isDraining = true;
    const pipes = [...this.running];
    if (pipes.length === 0) return [];
    logger.warn(`Interrupting ${pipes.length} pipes: the application is being closed.`);
    for (const [, { place }] of pipes) if (place.promise) handled(place.promise);
    const timers = new AbortController();
    const after = (ms: number): Promise<unknown> =>
      delay(ms, undefined, { signal: timers.signal }).catch(() => undefined);
    const patience = after(timeout * CLEAN_UP_PART);
    for (const [pipe] of pipes) void pipe.interrupt(patience);
    await Promise.race([Promise.allSettled(pipes.map(([, { run }]) => run)), after(timeout)]);
    timers.abort();
    return pipes.flatMap(([{ end }]) => end ?? []);
  }
}

function toErrorCode(error: unknown): string {
  const isTold = error instanceof SourceFailedError || error instanceof PipeInterruptedError;
  return isTold ? error.code : 'STREAM_FAILED';
}

/** Its rejection is not an unhandled one, whether or not anybody awaits it. */
function handled(promise: Promise<void>): void {
  promise.catch(() => undefined);
}
