import type { MessageEvent } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { EventOf } from '../channels/channel-events.js';
import { parseConnection } from '../clients/connect-arguments.js';
import { checkDismissal, type ConnectingClient } from '../clients/connecting-client.js';
import type { ConnectionTarget } from '../control/connection-command.js';
import type * as control from '../control/control.types.js';
import { readHistory, type HistoryOptions } from '../delivery/history.js';
import type { HistoryPage } from '../delivery/history-page.js';
import { parseChannel } from '../event/channel-name.js';
import type { ChannelLike } from '../event/channel-reference.js';
import { checkOptions } from '../event/known-options.js';
import type { SseEventInput } from '../event/sse-event.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { checkSource, type PipeSource } from '../publish/pipe-source.js';
import type * as publish from '../publish/publish.types.js';
import { observeResponse } from '../response/observe-response.js';
import type { HubParts } from './hub-parts.js';
import { collectStats, type HubStats } from './hub-stats.js';
import type { ConnectOptions, EventsOptions, Readiness } from './hub.types.js';
import { observeEvents } from './observe-events.js';
import { findProblems } from './readiness.js';
import { PublishHub } from './publish-hub.js';

type Channels = ChannelLike | readonly ChannelLike[];

const SUBSCRIBE_OPTIONS: ReadonlySet<string> = new Set(['after']);

/** The hub of this process: publishes events, and serves the clients that are connected here. */
export class SseHub extends PublishHub {
  /** The id of this process in the registry; the ids of its connections begin with it. */
  readonly nodeId: string;
  /** @internal */
  readonly options: ResolvedOptions;

  /** @internal */
  constructor(protected readonly node: HubParts) {
    super();
    this.nodeId = node.id;
    this.options = node.options;
  }

  /**
   * Streams channels to the client of a request. Return it from an `@Sse()` handler, as it is: the frames go straight
   * to the response, past the Observable. Nest then lets go of it once the headers are out; under an interceptor or an
   * operator it goes on as long as the stream, at 8 KB of memory. For events to map and filter there is `events()`.
   *
   * A client that comes back (`Last-Event-ID` header, or `lastEventId` query parameter) goes on where it left off. A
   * new one begins at now, or `rewind` events before.
   *
   * @param channels names or references, at most `limits.channelsPerConnection`; with `control: true` there may be none
   * @throws InvalidChannelError | TooManyChannelsError | InvalidConnectionError | InvalidArgumentError, answered as 400 by Nest
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
    channels: Channels,
    options: ConnectOptions = {},
  ): Observable<MessageEvent> {
    const { clients, options: settings, state, shards, definitions } = this.node;
    const names = this.toNames(channels, options?.control === true ? 0 : 1);
    definitions.checkStates(names, shards.map.count);
    const { isState } = definitions;
    const rewind = definitions.rewindOf(names);
    const parts = { channels: names, shards: shards.map, isState, rewind };
    const connection = parseConnection(client, options, { ...parts, metadataBytes: settings.metadataBytes });
    state.check();
    checkDismissal(client);
    return observeResponse(client.response, client, settings, connection.control, (response) =>
      clients.serve(client, names, connection, response),
    );
  }

  /**
   * A channel's events, for code of the server. However many subscribe, this process subscribes once in Redis. Missing
   * events come as one event of type `gap`. Completes with the channel's stream (see `pipe`); the end of a run that a
   * later one has followed completes nothing.
   *
   * It may be subscribed to before the hub has started (in a constructor, or a gateway's `afterInit`) and while Redis is
   * away: it waits, and begins when there is something to hear. When the application closes it completes.
   *
   * @throws InvalidChannelError | InvalidEventIdError | InvalidArgumentError when called; a HubClosedError comes through the Observable
   */
  events<Channel extends ChannelLike>(
    channel: Channel,
    options: EventsOptions = {},
  ): Observable<EventOf<Channel>> {
    return observeEvents(this.node, channel, options) as Observable<EventOf<Channel>>;
  }

  /**
   * Publishes what a source gives (tokens of a language model, the progress of a job) to a channel, then an `end`
   * event. It ends the stream of clients whose channels have all ended, unless it began without any. The stream does not
   * depend on who listens: clients may come, go and come back meanwhile. An end counts while it is the newest event of its channel: the next run
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
  pipe<Channel extends ChannelLike>(
    channel: Channel,
    source: PipeSource<publish.PipeItemOf<Channel>>,
  ): Promise<void> {
    return this.node.pipes.run(() => {
      checkSource(source);
      this.node.state.check();
      const name = parseChannel(channel);
      this.node.definitions.of(channel, name);
      this.node.definitions.checkStreamable(name);
      return { channel: name, source: source as PipeSource };
    });
  }

  /**
   * Retained events of a channel, for a REST answer: the last ones, or those after an id.
   *
   * @throws InvalidChannelError | InvalidEventIdError | InvalidArgumentError | RedisUnavailableError
   */
  async history<Channel extends ChannelLike>(
    channel: Channel,
    options: HistoryOptions = {},
  ): Promise<HistoryPage<EventOf<Channel>>> {
    const page = await readHistory(this.internals.shards, channel, options);
    return page as HistoryPage<EventOf<Channel>>;
  }

  /**
   * The id of now: all events after it are still to come. Send it along with a snapshot, and let the page open its
   * stream with `?lastEventId=` from there, and nothing falls between the two. Take it before the snapshot is read.
   *
   * @param channels where the hub has several shards: those of the stream, for a shorter id
   * @throws InvalidChannelError | RedisUnavailableError
   */
  async cursor(channels?: Channels): Promise<string> {
    const { shards } = this.internals;
    return channels === undefined ? shards.cursor() : shards.cursor(this.toNames(channels));
  }

  /**
   * Sends an event to one connection, in whatever process it is. It is in no log: a client that misses it never gets it.
   *
   * @param connectionId as the registry tells it
   * @returns within about two seconds; after `timeout` it may still arrive
   * @throws InvalidEventError | PayloadTooLargeError | InvalidArgumentError | RedisUnavailableError
   */
  async sendTo(connectionId: string, event: SseEventInput): Promise<control.SendOutcome> {
    const { text } = this.internals.publisher.encodeMessage(event);
    return this.node.control.send(connectionId, text);
  }

  /**
   * Ends connections, in whatever process they are: for good (an `end` event, and 204 when they return), or so that
   * they connect anew. Later connections are not concerned: a guard keeps a user out.
   *
   * @throws InvalidArgumentError | InvalidChannelError | RedisUnavailableError
   * @example await hub.disconnect({ user: '42' }, { reason: 'signed out' });
   */
  async disconnect(
    target: ConnectionTarget | { readonly channel: ChannelLike },
    options: control.DisconnectOptions = {},
  ): Promise<control.ConnectionsResult> {
    return this.internals.control.disconnect(target, options);
  }

  /**
   * Puts live connections on more channels, in whatever process they are. `authorize` is asked for each. When a client
   * reconnects, its handler names its channels anew: add them there too, or again when it is back, `after` the last
   * event that it has of the channel.
   *
   * @throws InvalidChannelError | InvalidEventIdError | InvalidArgumentError | TooManyChannelsError | RedisUnavailableError
   */
  async subscribe(
    target: string | { readonly user: string },
    channels: Channels,
    options: control.SubscribeOptions = {},
  ): Promise<control.ConnectionsResult> {
    checkOptions('subscribe()', options, SUBSCRIBE_OPTIONS);
    return this.internals.control.changeChannels('subscribe', target, this.toNames(channels), options);
  }

  /** Takes live connections off channels, in whatever process they are. @throws InvalidChannelError | RedisUnavailableError */
  async unsubscribe(
    target: string | { readonly user: string },
    channels: Channels,
  ): Promise<control.ConnectionsResult> {
    return this.internals.control.changeChannels('unsubscribe', target, this.toNames(channels), {});
  }

  /**
   * Has `authorize` asked again, at once, for connections that are open: of a user, of a channel, or all. When it
   * resolves, nobody gets an event any more, published from then on or before, that it refused. A process that has lost its
   * subscription meanwhile asks by itself before it delivers anything again.
   *
   * @throws NodeUnreachableError if a process does not answer: there an old right may still count. Call it again.
   * @throws InvalidArgumentError | InvalidChannelError | RedisUnavailableError
   */
  async reauthorize(target?: { readonly user: string } | { readonly channel: ChannelLike }): Promise<void> {
    await this.internals.control.reauthorize(target);
  }

  /** Figures of this process. */
  stats(): HubStats {
    return collectStats(this.node);
  }

  /**
   * Whether new streams belong here: for the readiness probe of a balancer (`nestjs-sse-redis/health` has an indicator
   * for Terminus). A Redis that is full, or takes no writes, is a reason against it. Asks Redis, so it may take up to
   * `publishTimeout`; never rejects.
   */
  async readiness(): Promise<Readiness> {
    const problems = await findProblems(this.node);
    return { ready: problems.length === 0, problems };
  }

  /** Whether it was closed, as the application is. */
  get isClosed(): boolean {
    return this.node.state.isClosed;
  }

  private toNames(channels: Channels, min = 1): string[] {
    return this.node.definitions.toNames(channels, this.node.options.channelsPerConnection, min);
  }

  /** @internal For the controller and the pipe of this package. @throws HubClosedError unless the hub runs */
  get internals(): HubParts {
    this.node.state.check();
    return this.node;
  }
}
