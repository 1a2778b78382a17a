import type { MessageEvent } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { Broker, Publication, PublishOutcome } from '../broker/broker.interface.js';
import { HubClosedError } from '../errors/hub-closed.error.js';
import { InvalidEventIdError } from '../errors/invalid-event-id.error.js';
import { SourceFailedError } from '../errors/source-failed.error.js';
import { checkChannel } from '../event/channel-name.js';
import { encodeEvent, formatHubEvent, type EventText } from '../event/event-text.js';
import { formatEventId, parseEventId, type Position } from '../event/position.js';
import type { SseEvent, SseEventInput } from '../event/sse-event.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { checkChannels, checkCount, checkIdempotencyKey } from './check-arguments.js';
import type { ConnectingClient } from './connecting-client.js';
import { Feeds } from './feeds.js';
import type {
  ChannelEventInput,
  ConnectOptions,
  EventsOptions,
  HistoryOptions,
  HistoryPage,
  Published,
  PublishOptions,
  PublishResult,
} from './hub-options.js';
import { LocalOutlet, toSseEvent } from './local-outlet.js';
import { LogReader } from './log-reader.js';
import { checkSource, pipeSource, type PipeSource } from './pipe-source.js';
import { Streams } from './streams.js';

/** What `hub.stats()` tells of this process. */
export interface HubStats {
  /** Open streams of clients. */
  readonly connections: number;
  /** Channels that somebody in this process listens to. */
  readonly channels: number;
}

/** The hub of this process: publishes events, and serves the clients that are connected here. */
export class SseHub {
  private readonly feeds: Feeds;
  private readonly streams: Streams;
  private state: 'new' | 'started' | 'closed' = 'new';

  /** @internal */
  constructor(
    private readonly broker: Broker,
    private readonly options: ResolvedOptions,
  ) {
    this.feeds = new Feeds(broker);
    this.streams = new Streams(broker, this.feeds, new LogReader(broker), options);
  }

  /**
   * Streams channels to the client of a request. Return it from an `@Sse()` handler, as it is: the frames go straight
   * to the response, past the Observable, which only stands for the life of the stream. (For events to map and filter
   * there is `events()`.)
   *
   * A client that comes back (`Last-Event-ID` header, or `lastEventId` query parameter) goes on where it left off;
   * a new one begins at now, or `rewind` events before.
   *
   * @param channels names, at most `limits.channelsPerConnection`
   * @throws InvalidChannelError | TooManyChannelsError | RangeError, answered as 400 and 500 by Nest
   * @example
   * ```ts
   * @Sse('news')
   * news(@SseClient() client: SseClient) {
   *   return this.hub.connect(client, ['news', `user:${client.user}`], { rewind: 10 });
   * }
   * ```
   */
  connect(
    client: ConnectingClient,
    channels: string | readonly string[],
    options: ConnectOptions = {},
  ): Observable<MessageEvent> {
    const names = checkChannels(channels, this.options.channelsPerConnection);
    const rewind = checkCount('rewind', options.rewind ?? 0);
    this.checkStarted();
    return new Observable((subscriber) =>
      this.streams.serve(client, names, { lastEventId: client.lastEventId, rewind }, () =>
        subscriber.complete(),
      ),
    );
  }

  /**
   * Publishes an event to a channel. Resolves when it is in the channel's log: from then on every client of the
   * channel gets it, or is told of the gap.
   *
   * @returns the event's id
   * @throws InvalidChannelError | InvalidEventError | PayloadTooLargeError nothing was sent
   * @throws RedisUnavailableError | RedisRefusedError nothing was stored
   * @throws PublishOutcomeUnknownError it may have been stored: publish it again only with the same `idempotencyKey`
   * @example await hub.publish('news', { type: 'article', data: { title: 'Hello' } });
   */
  async publish(channel: string, event: SseEventInput, options: PublishOptions = {}): Promise<Published> {
    const [outcome] = await this.send([this.publication(channel, event, options)]);
    return published(outcome!);
  }

  /**
   * Publishes events in one round trip, in their order. Never rejects for one of them: each has a result of its own,
   * at its place, and those that are well formed are sent even if others are not.
   */
  async publishMany(events: readonly ChannelEventInput[]): Promise<PublishResult[]> {
    this.checkStarted();
    const results: PublishResult[] = [];
    const publications: Publication[] = [];
    const places: number[] = [];
    for (const [i, event] of events.entries()) {
      try {
        publications.push(this.publication(event?.channel, event, event));
        places.push(i);
      } catch (error) {
        results[i] = { error: error as Error };
      }
    }
    const outcomes = publications.length > 0 ? await this.send(publications) : [];
    outcomes.forEach((outcome, i) => {
      results[places[i]!] = 'error' in outcome ? outcome : { id: formatEventId(outcome.position) };
    });
    return results;
  }

  /**
   * A channel's events, for code of the server. However many subscribe, this process subscribes once in Redis. What
   * is missing is told as an event of type `gap`. Completes with the channel's stream (see `pipe`).
   *
   * @throws InvalidChannelError | InvalidEventIdError when called; a RedisUnavailableError comes through the Observable
   */
  events(channel: string, options: EventsOptions = {}): Observable<SseEvent> {
    const name = checkChannel(channel);
    if (options.after !== undefined) positionAt(options.after);
    const start = { lastEventId: options.after, rewind: checkCount('rewind', options.rewind ?? 0) };
    this.checkStarted();
    return new Observable((subscriber) => {
      this.checkStarted();
      return this.streams.open([name], start, new LocalOutlet(subscriber), {
        failed: (error) => subscriber.error(error),
      });
    });
  }

  /**
   * Publishes what a source gives (tokens of a language model, the progress of a job) to a channel, then an `end`
   * event, which ends the stream of clients whose channels have all ended. The stream does not depend on who listens:
   * clients may come, go and come back meanwhile.
   *
   * If the source throws, clients get an `error` event, which says that it failed but not how, and then the end.
   *
   * @param source an Observable or an (async) iterable of events `{ type?, data }`, or of strings. An iterable is asked for
   * more as Redis takes them; an Observable, which cannot be, fails with 16,384 waiting
   * @returns resolves when the end is published
   * @throws SourceFailedError if the source threw: its error is in `cause`
   * @throws InvalidEventError if it is no source, or gave an item that is no event; what came before is published
   * @throws any error of `publish`, after which the source is left and, if Redis lets it, the end is published
   */
  async pipe(channel: string, source: PipeSource): Promise<void> {
    const name = checkChannel(channel);
    checkSource(source);
    this.checkStarted();
    try {
      await pipeSource(
        source,
        (event) => this.publication(name, event, {}),
        async (batch) => (await this.send(batch)).forEach(published),
      );
    } catch (error) {
      const code = error instanceof SourceFailedError ? error.code : 'STREAM_FAILED';
      const failed = hubEvent('j', 'error', { channel: name, code });
      // If this cannot be published either, the first error says why.
      await this.send([hubPublication(name, failed), hubPublication(name, endOf(name))]).catch(
        () => undefined,
      );
      throw error;
    }
    const [outcome] = await this.send([hubPublication(name, endOf(name))]);
    published(outcome!);
  }

  /**
   * Retained events of a channel, for a REST answer: the last ones, or those after an id.
   *
   * @throws InvalidChannelError | InvalidEventIdError | RangeError | RedisUnavailableError
   */
  async history(channel: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    this.checkStarted();
    const name = checkChannel(channel);
    const limit = checkCount('limit', options.limit ?? 100);
    const after =
      options.after === undefined ? await this.broker.rewind([name], limit) : positionAt(options.after);
    const [slice] = await this.broker.read([{ channel: name, after }], { records: limit, bytes: Infinity });
    const { records, wholeFrom, last, upTo } = slice!;
    const events = records.slice(0, limit).map((record) => toSseEvent(name, record));
    const ahead = after > last;
    const cursor = limit === 0 ? Math.min(after, last) : upTo;
    return { events, cursor: formatEventId(cursor), gap: ahead || after < wholeFrom };
  }

  /**
   * The id of now: all events after it are still to come. Send it along with a snapshot, and let the page open its
   * stream with `?lastEventId=` from there, and nothing falls between the two. Take it before the snapshot is read.
   *
   * @throws RedisUnavailableError
   */
  async cursor(): Promise<string> {
    this.checkStarted();
    return formatEventId(await this.broker.position());
  }

  /** Figures of this process. */
  stats(): HubStats {
    return { connections: this.streams.size, channels: this.feeds.size };
  }

  /** @internal */
  async start(): Promise<void> {
    this.feeds.link.up = true;
    await this.broker.start({
      announced: (channel, record) => this.feeds.announced(channel, record),
      watermark: (position) => this.feeds.watermark(position),
      linkLost: () => {
        this.streams.linkLost();
        this.feeds.linkLost();
      },
      linkRestored: (position) => {
        this.feeds.linkRestored(position);
        // Announcements and answers may have come before this position, and tell of later ones.
        this.streams.linkRestored(this.feeds.link.known);
      },
    });
    this.state = 'started';
  }

  /** @internal */
  async drain(): Promise<void> {
    await this.streams.drain();
  }

  /** @internal */
  async stop(): Promise<void> {
    this.state = 'closed';
    this.streams.stop();
    await this.broker.close();
  }

  private async send(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    this.checkStarted();
    return this.broker.publish(publications);
  }

  private publication(channel: string, event: SseEventInput, options: PublishOptions): Publication {
    return {
      channel: checkChannel(channel),
      event: encodeEvent(event, this.options.payloadBytes),
      ephemeral: options.ephemeral === true,
      idempotencyKey: checkIdempotencyKey(options.idempotencyKey),
    };
  }

  private checkStarted(): void {
    if (this.state === 'started') return;
    throw new HubClosedError(
      this.state === 'new'
        ? 'The hub has not started: Nest starts it with app.init() or app.listen(); use it from onApplicationBootstrap on.'
        : 'The hub is closed, as the application is.',
    );
  }
}

function published(outcome: PublishOutcome): Published {
  if ('error' in outcome) throw outcome.error;
  return { id: formatEventId(outcome.position) };
}

function positionAt(id: string): Position {
  const position = typeof id === 'string' ? parseEventId(id) : undefined;
  if (position !== undefined) return position;
  throw new InvalidEventIdError(`An event id looks like 1767225600000-0, not ${JSON.stringify(id)}.`);
}

function hubPublication(channel: string, event: EventText): Publication {
  return { channel, event, ephemeral: false, idempotencyKey: undefined };
}

function hubEvent(kind: EventText['kind'], type: 'end' | 'error', data: object): EventText {
  return { kind, text: formatHubEvent(type, data) };
}

function endOf(channel: string): EventText {
  return hubEvent('x', 'end', { channel });
}
