import { HttpException, type MessageEvent } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { Broker, BrokerListener, Publication, PublishOutcome } from '../broker/broker.interface.js';
import { withinTime } from '../broker/within-time.js';
import { HubClosedError } from '../errors/hub-closed.error.js';
import { InvalidEventIdError } from '../errors/invalid-event-id.error.js';
import { NodeUnreachableError } from '../errors/node-unreachable.error.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import { TooManyChannelsError } from '../errors/too-many-channels.error.js';
import { checkChannel } from '../event/channel-name.js';
import { encodeEvent, type EventText } from '../event/event-text.js';
import { goesOnAfter, parseLastEventId } from '../event/last-event-id.js';
import { DISMISSED_ID, formatEventId, type Position } from '../event/position.js';
import type { SseEvent, SseEventInput } from '../event/sse-event.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import {
  checkChannels,
  checkCount,
  checkExpiry,
  checkIdempotencyKey,
  checkMetadata,
  checkReason,
  checkUser,
} from './check-arguments.js';
import { Clients } from './clients.js';
import type { ConnectingClient } from './connecting-client.js';
import { Courier, type Outcome } from './courier.js';
import { Feeds } from './feeds.js';
import { Figures } from './figures.js';
import { Heartbeat } from './heartbeat.js';
import { statsOf, type HubStats } from './hub-stats.js';
import type {
  ChannelEventInput,
  ConnectionsResult,
  ConnectOptions,
  DisconnectOptions,
  EventsOptions,
  HistoryOptions,
  HistoryPage,
  Published,
  PublishOptions,
  PublishResult,
  SendOutcome,
  SubscribeOptions,
} from './hub-options.js';
import { LocalOutlet, toSseEvent } from './local-outlet.js';
import { LogReader } from './log-reader.js';
import { LossWatch } from './loss-watch.js';
import { LOSSES_CHANNEL } from './loss.js';
import { LostAnnouncements } from './lost-announcements.js';
import { checkSource, type PipeSource } from './pipe-source.js';
import { Pipes } from './pipes.js';
import type { Registrar } from './registrar.js';
import { rule } from './rule.js';
import { nodeOf, type ConnectionTarget, type Ruling } from './ruling.js';
import { serializeData } from './serialize-data.js';
import { Streams, type StartOptions } from './streams.js';

/** How many probes may go unanswered before a process is no longer ready. */
const PROBES_MISSED = 3;
/** Characters of a wrong id that an error shows. */
const MAX_SHOWN = 100;

/** The part of `drain.timeout` that running pipes may take; the clients have the rest. */
const PIPES_PART = 3 / 4;

/** What `hub.readiness()` tells. */
export interface Readiness {
  readonly ready: boolean;
  /** Why not. */
  readonly problems: readonly string[];
}

/** The hub of this process: publishes events, and serves the clients that are connected here. */
export class SseHub {
  private readonly figures = new Figures();
  private readonly heartbeat: Heartbeat;
  private readonly feeds: Feeds;
  private readonly streams: Streams;
  private readonly clients: Clients;
  private readonly courier: Courier;
  private readonly lost: LostAnnouncements;
  private readonly lossWatch: LossWatch;
  private readonly pipes: Pipes;
  private state: 'new' | 'started' | 'closed' = 'new';

  /** @internal */
  constructor(
    /** The id of this process in the registry; the ids of its connections begin with it. */
    readonly nodeId: string,
    private readonly broker: Broker,
    private readonly registrar: Registrar,
    private readonly options: ResolvedOptions,
  ) {
    this.feeds = new Feeds(broker, this.figures);
    this.heartbeat = new Heartbeat(options.heartbeatInterval);
    const reader = new LogReader(broker);
    this.lost = new LostAnnouncements(options.ttl);
    this.streams = new Streams(broker, this.feeds, reader, this.heartbeat, this.figures, this.lost);
    this.lossWatch = new LossWatch({
      broker,
      feeds: this.feeds,
      streams: this.streams,
      lost: this.lost,
      figures: this.figures,
      auditInterval: options.auditInterval,
      listen: (onLive) => this.listen(LOSSES_CHANNEL, { rewind: options.maxLength }, new Figures(), onLive),
    });
    this.clients = new Clients(nodeId, this.streams, registrar, options, this.figures);
    this.courier = new Courier(nodeId, broker, registrar, (ruling) => rule(this.clients, nodeId, ruling));
    this.pipes = new Pipes({
      prepare: (channel, event) => this.publication(channel, event, {}),
      send: (publications) => this.send(publications),
    });
  }

  /**
   * Streams channels to the client of a request. Return it from an `@Sse()` handler, as it is: the frames go straight
   * to the response, past the Observable. Nest then lets go of it once the headers are out; under an interceptor or an
   * operator it goes on as long as the stream, at 8 KB of memory. (For events to map and filter there is `events()`.)
   *
   * A client that comes back (`Last-Event-ID` header, or `lastEventId` query parameter) goes on where it left off;
   * a new one begins at now, or `rewind` events before.
   *
   * @param channels names, at most `limits.channelsPerConnection`
   * @throws InvalidChannelError | TooManyChannelsError | InvalidConnectionError | RangeError, answered as 400 and 500 by Nest
   * @throws HttpException 204, which ends an EventSource, for a client that was disconnected for good
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
    const stream = {
      lastEventId: client.lastEventId,
      rewind: checkCount('rewind', options.rewind ?? 0),
      user: checkUser(options.user ?? client.user),
      metadata: checkMetadata(options.metadata, this.options.metadataBytes),
      expiresAt: checkExpiry(options.expiresAt ?? client.expiresAt),
      control: options.control === true,
    };
    this.checkStarted();
    if (client.lastEventId === DISMISSED_ID) throw new HttpException('', 204);
    return client.observe(this.options, (response) => this.clients.serve(client, names, stream, response));
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
   * is missing is told as an event of type `gap`. Completes with the channel's stream (see `pipe`); the end of a run that a
   * later one has followed completes nothing.
   *
   * @throws InvalidChannelError | InvalidEventIdError when called; a RedisUnavailableError comes through the Observable
   */
  events(channel: string, options: EventsOptions = {}): Observable<SseEvent> {
    const name = checkChannel(channel);
    const { after } = options;
    const lastEventId = after === undefined ? undefined : formatEventId(positionAfter(after, name));
    const start = { lastEventId, rewind: checkCount('rewind', options.rewind ?? 0) };
    this.checkStarted();
    return this.listen(name, start);
  }

  /**
   * Publishes what a source gives (tokens of a language model, the progress of a job) to a channel, then an `end`
   * event, which ends the stream of clients whose channels have all ended. The stream does not depend on who listens:
   * clients may come, go and come back meanwhile. An end counts while it is the newest event of its channel: the next run
   * may be piped into the same channel.
   *
   * If the source throws, clients get an `error` event, which says that it failed but not how, and then the end.
   *
   * A pipe is part of the drain: when the application closes, its source is left (`return()` of an iterator, so that the
   * `finally` of a generator runs, and may still publish; an Observable is unsubscribed), what it gave before is published, and
   * clients get the `error` `PIPE_INTERRUPTED` and the end. No source holds the drain beyond half of `drain.timeout`. A generator
   * runs its `finally` when what it awaits has come: hand it an `AbortSignal` of your own where that may take longer.
   *
   * @param source an Observable or an (async) iterable of events `{ type?, data }`, or of strings. An iterable is asked for
   * more as Redis takes them; an Observable, which cannot be, fails with 16,384 waiting
   * @returns resolves when the end is published
   * @throws SourceFailedError if the source threw: its error is in `cause`
   * @throws PipeInterruptedError if the application was closed before the source had ended; it rejects after the end is published
   * @throws DrainingError if the application is closing: the source is untouched
   * @throws InvalidEventError if it is no source, or gave an item that is no event; what came before is published
   * @throws any error of `publish`, after which the source is left and, if Redis lets it, the end is published
   */
  pipe(channel: string, source: PipeSource): Promise<void> {
    return this.pipes.run(() => {
      checkSource(source);
      this.checkStarted();
      return { channel: checkChannel(channel), source };
    });
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
      options.after === undefined
        ? await this.broker.rewind([name], limit)
        : positionAfter(options.after, name);
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

  /**
   * Sends an event to one connection, in whatever process it is. It is in no log: a client that misses it does not get it
   * later.
   *
   * @param connectionId as the registry tells it
   * @returns within about two seconds; after `timeout` it may still arrive
   * @throws InvalidEventError | PayloadTooLargeError | RedisUnavailableError
   */
  async sendTo(connectionId: string, event: SseEventInput): Promise<SendOutcome> {
    this.checkStarted();
    const { text } = this.encode(event, undefined);
    const result = await this.ruleOne(connectionId, {
      do: 'send',
      target: { connection: connectionId },
      text,
    });
    if (result.connections > 0) return 'delivered';
    return result.unanswered.length > 0 ? 'timeout' : 'unknown';
  }

  /**
   * Ends connections, in whatever process they are: for good (an `end` event, and 204 when they return), or so that
   * they connect anew. Who connects later is not concerned: to keep somebody out is a guard's business.
   *
   * @throws RedisUnavailableError
   * @example await hub.disconnect({ user: '42' }, { reason: 'signed out' });
   */
  async disconnect(target: ConnectionTarget, options: DisconnectOptions = {}): Promise<ConnectionsResult> {
    this.checkStarted();
    const { reconnect = false } = options;
    return this.rule(target, { do: 'disconnect', target, reason: checkReason(options.reason), reconnect });
  }

  /**
   * Puts live connections on more channels, in whatever process they are. `authorize` is asked for each. When a client
   * reconnects, its handler names its channels anew: add them there too, or again when it is back, `after` the last
   * event that it has of the channel.
   *
   * @throws InvalidChannelError | InvalidEventIdError | TooManyChannelsError | RedisUnavailableError
   */
  async subscribe(
    target: string | { readonly user: string },
    channels: string | readonly string[],
    options: SubscribeOptions = {},
  ): Promise<ConnectionsResult> {
    return this.changeChannels('subscribe', target, channels, options);
  }

  /** Takes live connections off channels, in whatever process they are. @throws InvalidChannelError | RedisUnavailableError */
  async unsubscribe(
    target: string | { readonly user: string },
    channels: string | readonly string[],
  ): Promise<ConnectionsResult> {
    return this.changeChannels('unsubscribe', target, channels, {});
  }

  /**
   * Has `authorize` asked again, at once, for connections that are open: of a user, of a channel, or all. When it
   * resolves, nobody gets an event any more, published from then on or before, that it refused. A process that has lost its
   * subscription meanwhile asks by itself before it delivers anything again.
   *
   * @throws NodeUnreachableError if a process does not answer: there an old right may still count. Call it again.
   * @throws RedisUnavailableError
   */
  async reauthorize(target?: { readonly user: string } | { readonly channel: string }): Promise<void> {
    this.checkStarted();
    const { silent } = await this.courier.askAll({ do: 'reauthorize', target });
    if (silent.length === 0) return;
    throw new NodeUnreachableError(
      `The processes ${silent.join(', ')} did not answer: what was revoked may still count there. Call reauthorize again.`,
      silent,
    );
  }

  /** Figures of this process. */
  stats(): HubStats {
    return statsOf({
      node: this.nodeId,
      clients: this.clients,
      feeds: this.feeds,
      figures: this.figures,
      sweeps: this.registrar.sweeps,
    });
  }

  /**
   * Whether new streams belong here: for the readiness probe of a balancer (`nestjs-sse-redis/health` has an indicator
   * for Terminus). Asks Redis, so it may take up to `publishTimeout`; never rejects.
   */
  async readiness(): Promise<Readiness> {
    const problems: string[] = [];
    if (this.state !== 'started') problems.push(this.state === 'new' ? 'not started' : 'closed');
    else {
      if (this.clients.drainProgress.active) problems.push('being shut down');
      if (!this.feeds.link.up) problems.push('the subscription in Redis is lost');
      else if (Date.now() - this.feeds.upOrProvenAt > PROBES_MISSED * this.options.probeInterval)
        problems.push('what is published is not proven to arrive');
      await this.broker.position().catch((error: Error) => problems.push(error.message));
    }
    return { ready: problems.length === 0, problems };
  }

  /** Whether it was closed, as the application is. */
  get isClosed(): boolean {
    return this.state === 'closed';
  }

  /** @internal Changes the channels of a connection for the client itself, which shows its secret. */
  async changeOwnChannels(
    connectionId: string,
    secret: string,
    change: {
      readonly subscribe: readonly string[];
      readonly unsubscribe: readonly string[];
      readonly after?: string;
    },
  ): Promise<ConnectionsResult> {
    this.checkStarted();
    const done: ConnectionsResult[] = [];
    const { subscribe, unsubscribe, after } = change;
    if (unsubscribe.length > 0)
      done.push(await this.changeChannels('unsubscribe', connectionId, unsubscribe, { secret }));
    if (subscribe.length > 0)
      done.push(await this.changeChannels('subscribe', connectionId, subscribe, { secret, after }));
    return {
      connections: Math.min(1, ...done.map(({ connections }) => connections)),
      refused: done.flatMap(({ refused }) => refused),
      unanswered: done.flatMap(({ unanswered }) => unanswered),
    };
  }

  /** @internal Whether `authorize` decides who may be on a channel. */
  get asksForRights(): boolean {
    return this.clients.asksForRights;
  }

  /** @internal @throws DrainingError | TooManyConnectionsError | RedisUnavailableError where a stream would be refused now */
  async checkRoom(user: string | undefined, address: string | undefined): Promise<void> {
    this.checkStarted();
    await this.clients.checkRoom(user, address);
  }

  /** @internal The events of a channel of the hub's own. */
  ownEvents(channel: string): Observable<SseEvent> {
    return this.listen(channel, {});
  }

  /** @internal */
  async start(): Promise<void> {
    this.feeds.link.up = true;
    const listener: BrokerListener = {
      announced: (channel, record) => {
        // Others took this process for dead (it was paused, say), and did not wait for it when rights were revoked.
        if (this.clients.asksForRights && Date.now() > this.registrar.leaseUntil) this.clients.suspect();
        this.feeds.announced(channel, record);
      },
      watermark: (position) => this.feeds.watermark(position),
      message: (text) => this.courier.receive(text),
      linkLost: () => {
        this.streams.linkLost();
        this.feeds.linkLost();
      },
      linkRestored: (position) => {
        this.feeds.linkRestored(position);
        this.clients.linkRestored();
        // Announcements and answers may have come before this position, and tell of later ones.
        this.streams.linkRestored(this.feeds.link.known);
      },
    };
    await this.broker.start(listener);
    this.state = 'started';
    // What it does not know by then it learns later, and tells those who have come.
    await withinTime(this.lossWatch.start(), this.options.connectTimeout);
  }

  /** @internal */
  leaseRenewed(): void {
    this.clients.trust();
  }

  /** @internal Looks for sockets that are gone. */
  reap(): void {
    this.clients.reap();
    this.lost.forget();
  }

  /** @internal */
  async drain(): Promise<void> {
    const began = performance.now();
    const { drainTimeout } = this.options;
    this.clients.sendNewcomersAway();
    const timeLeft = (part: number): number => Math.max(0, drainTimeout * part - (performance.now() - began));
    // Pipes first, so that the clients of this process, too, are sent why their stream ends.
    const ends = await this.pipes.interrupt(timeLeft(PIPES_PART));
    await this.feeds.waitFor(ends, timeLeft(PIPES_PART));
    await this.clients.handOver(timeLeft(1));
  }

  /** @internal */
  async stop(): Promise<void> {
    const wasStarted = this.state === 'started';
    this.state = 'closed';
    this.heartbeat.stop();
    this.clients.stop();
    this.streams.stop();
    if (wasStarted) await this.lossWatch.stop();
    await this.broker.close();
  }

  private listen(
    channel: string,
    start: StartOptions,
    figures?: Figures,
    onLive?: () => void,
  ): Observable<SseEvent> {
    return new Observable((subscriber) => {
      this.checkStarted();
      return this.streams.open([channel], start, new LocalOutlet(subscriber, onLive), {
        failed: (error) => subscriber.error(error),
        ...(figures && { figures }),
      });
    });
  }

  private async changeChannels(
    what: 'subscribe' | 'unsubscribe',
    target: string | { readonly user: string },
    channels: string | readonly string[],
    { after, secret }: SubscribeOptions & { readonly secret?: string },
  ): Promise<ConnectionsResult> {
    this.checkStarted();
    const names = checkChannels(channels, this.options.channelsPerConnection);
    const whom: ConnectionTarget = typeof target === 'string' ? { connection: target } : target;
    const results: ConnectionsResult[] = [];
    for (const [position, group] of groupByPosition(names, after)) {
      results.push(
        await this.rule(whom, { do: what, target: whom, channels: group, after: position, secret }),
      );
    }
    return {
      connections: Math.min(...results.map(({ connections }) => connections)),
      refused: [...new Set(results.flatMap(({ refused }) => refused))],
      unanswered: [...new Set(results.flatMap(({ unanswered }) => unanswered))],
    };
  }

  private rule(target: ConnectionTarget, ruling: Ruling): Promise<ConnectionsResult> {
    if ('connection' in target) return this.ruleOne(target.connection, ruling);
    const outcome = 'node' in target ? this.courier.ask(target.node, ruling) : this.courier.askAll(ruling);
    return outcome.then(resultOf);
  }

  private async ruleOne(connectionId: string, ruling: Ruling): Promise<ConnectionsResult> {
    const node = nodeOf(connectionId);
    if (node === '') return { connections: 0, refused: [], unanswered: [] };
    const outcome = await this.courier.ask(node, ruling);
    // Its process does not hear. If it is dead and swept away, so is the connection.
    if (outcome.deaf.length > 0 && !(await this.registrar.knows(connectionId))) {
      return { connections: 0, refused: [], unanswered: [] };
    }
    return resultOf(outcome);
  }

  private async send(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    this.checkStarted();
    const outcomes = await this.broker.publish(publications);
    for (const outcome of outcomes) {
      if ('error' in outcome) this.figures.publishFailures++;
      else this.figures.published++;
    }
    return outcomes;
  }

  private publication(channel: string, event: SseEventInput, options: PublishOptions): Publication {
    const name = checkChannel(channel);
    const idempotencyKey = checkIdempotencyKey(options.idempotencyKey);
    // Last, since the serialize option is not called for what is not published.
    return {
      channel: name,
      event: this.encode(event, name),
      ephemeral: options.ephemeral === true,
      idempotencyKey,
    };
  }

  private encode(event: SseEventInput, channel: string | undefined): EventText {
    const { payloadBytes, serialize } = this.options;
    if (!serialize) return encodeEvent(event, payloadBytes);
    return encodeEvent(event, payloadBytes, (data) => serializeData(serialize, data, channel));
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

/** What all processes did together. What one of them could not do is an error. */
function resultOf({ results, silent, deaf }: Outcome): ConnectionsResult {
  const failed = results.find(({ error }) => error)?.error;
  if (failed)
    throw failed.code === 'TOO_MANY_CHANNELS'
      ? new TooManyChannelsError(failed.message)
      : new RedisUnavailableError(failed.message);
  return {
    connections: results.reduce((sum, { connections }) => sum + connections, 0),
    refused: [...new Set(results.flatMap(({ refused }) => refused))],
    unanswered: [...silent, ...deaf],
  };
}

/** The id of a late event says of several channels where each goes on. */
function groupByPosition(
  channels: readonly string[],
  after: string | undefined,
): Map<Position | undefined, string[]> {
  const groups = new Map<Position | undefined, string[]>();
  for (const channel of channels) {
    const position = after === undefined ? undefined : positionAfter(after, channel);
    const group = groups.get(position);
    if (group) group.push(channel);
    else groups.set(position, [channel]);
  }
  return groups;
}

/** Where a channel goes on after an event of it, whose id may have come as that of a late event. */
function positionAfter(id: string, channel: string): Position {
  const point = typeof id === 'string' ? parseLastEventId(id) : undefined;
  if (point) return goesOnAfter(point, channel);
  // The answer repeats it to a client, who may have sent anything.
  const shown = JSON.stringify(typeof id === 'string' ? id.slice(0, MAX_SHOWN) : id);
  throw new InvalidEventIdError(`An event id looks like 1767225600000-0, not ${shown}.`);
}
