import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import type { NewConnection } from '../broker/registry-store.interface.js';
import { DrainingError } from '../errors/draining.error.js';
import { ForbiddenChannelError } from '../errors/forbidden-channel.error.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import { SseRedisError } from '../errors/sse-redis.error.js';
import { TooManyChannelsError } from '../errors/too-many-channels.error.js';
import { TooManyConnectionsError } from '../errors/too-many-connections.error.js';
import type { Position } from '../event/position.js';
import type { AuthorizedClient } from '../options/channel-rules.interface.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { Authorizer } from './authorizer.js';
import { ClientStream, type Farewell, type StreamKeeper } from './client-stream.js';
import type { ConnectingClient, ResponseStream } from './connecting-client.js';
import type { Connection } from './connection.js';
import { Deadlines } from './deadlines.js';
import { Drain } from './drain.js';
import type { Figures } from './figures.js';
import { Interruptions } from './interruptions.js';
import type { Registrar } from './registrar.js';
import { jittered } from './retry-time.js';
import type { StartOptions, Streams } from './streams.js';

/** After a refusal for want of room a client waits longer than others: there is none soon. */
const FULL_RETRY_FACTOR = 5;
/** How many streams ask the application at once whether they may go on. */
const AUTHORIZATIONS_AT_ONCE = 64;
/** The part of `maxConnectionAge` within which streams end at one time: of an hour, 14 seconds. */
const AGE_STEPS = 256;

/** What is known of a stream that is to be opened, besides its client and channels. */
export interface StreamOptions extends StartOptions {
  readonly user: string | undefined;
  readonly metadata: unknown;
  /** ms since the epoch. */
  readonly expiresAt: number | undefined;
  readonly control: boolean;
}

/** The streams of all clients that are connected to this process. */
export class Clients implements StreamKeeper {
  private readonly logger = new Logger('SseHub');
  private readonly streams = new Map<string, ClientStream>();
  private readonly deadlines = new Deadlines();
  private readonly authorizer: Authorizer | undefined;
  private readonly drain = new Drain();
  private readonly interruptions = new Interruptions();
  private lastNumber = 0;
  /** How often the link came back: what was said meanwhile of anybody's rights was not heard. */
  private restorations = 0;
  private suspected = false;

  constructor(
    private readonly nodeId: string,
    private readonly connections: Streams,
    private readonly registrar: Registrar,
    private readonly options: ResolvedOptions,
    private readonly figures: Figures,
  ) {
    this.authorizer = options.authorize === undefined ? undefined : new Authorizer(options.authorize);
  }

  get size(): number {
    return this.streams.size;
  }

  get all(): Iterable<ClientStream> {
    return this.streams.values();
  }

  get drainProgress(): Pick<Drain, 'active' | 'total' | 'left'> {
    return this.drain;
  }

  get asksForRights(): boolean {
    return this.authorizer !== undefined;
  }

  find(id: string): ClientStream | undefined {
    return this.streams.get(id);
  }

  /** Serves the response of a client. */
  serve(
    client: ConnectingClient,
    channels: readonly string[],
    options: StreamOptions,
    response: ResponseStream,
  ): void {
    const id = `${this.nodeId}.${(++this.lastNumber).toString(36)}`;
    const secret = options.control ? randomBytes(18).toString('base64url') : undefined;
    const stream = new ClientStream(id, client, options.user, response, secret, this);
    this.streams.set(id, stream);
    // At once: what Nest keeps for a response until its headers are out should not grow old over a question to Redis.
    void response.opened();
    void stream.inTurn(() => this.begin(stream, channels, options));
  }

  /** @throws DrainingError | TooManyConnectionsError | RedisUnavailableError where a stream would be refused now */
  async checkRoom(user: string | undefined, address: string | undefined): Promise<void> {
    this.checkRoomHere(1);
    if (!(await this.registrar.hasRoom(user, address))) throw tooMany('user or address');
  }

  /** Subscribes a stream to more channels. @returns those that were refused */
  subscribe(
    stream: ClientStream,
    channels: readonly string[],
    after: Position | undefined,
  ): Promise<string[]> {
    return stream.inTurn(async () => {
      const { connection } = stream;
      if (!connection || stream.isClosed) return [];
      const on = new Set(stream.channels);
      const added = channels.filter((channel) => !on.has(channel));
      const max = this.options.channelsPerConnection;
      if (on.size + added.length > max) {
        throw new TooManyChannelsError(
          `A connection may be on ${max} channels, this one is on ${on.size} and was to be on ${added.length} more. Raise limits.channelsPerConnection, or unsubscribe it from others.`,
        );
      }
      const refused = (await this.authorizer?.refused(identityOf(stream), added)) ?? [];
      const allowed = added.filter((channel) => !refused.includes(channel));
      if (allowed.length > 0 && !stream.isClosed) {
        await this.connections.add(connection, allowed, after);
        this.updateChannels(stream, allowed, []);
      }
      return refused;
    });
  }

  unsubscribe(stream: ClientStream, channels: readonly string[]): Promise<void> {
    return stream.inTurn(async () => {
      const removed = stream.channels.filter((channel) => channels.includes(channel));
      if (stream.isClosed || removed.length === 0) return;
      this.connections.remove(stream.connection!, removed);
      this.updateChannels(stream, [], removed);
      await Promise.resolve();
    });
  }

  /** Asks again whether a stream may be on its channels, and takes from it what it may not. */
  reauthorize(stream: ClientStream): Promise<void> {
    return stream.inTurn(() => this.askAgain(stream));
  }

  /** Rights may have been revoked without this process having heard of it: nothing is delivered before they are asked for. */
  suspect(): void {
    if (this.suspected) return;
    this.suspected = true;
    for (const { connection } of this.streams.values()) connection?.hold();
  }

  /** This process is known to live again: what is revoked from now on, it hears of. */
  trust(): void {
    if (this.suspected) this.linkRestored();
  }

  /** The subscription is back: what was revoked meanwhile was not heard of. */
  linkRestored(): void {
    this.restorations++;
    if (!this.authorizer) return;
    this.suspected = false;
    const held = [...this.streams.values()].filter(({ connection }) => connection !== undefined);
    // Before anything is caught up.
    for (const { connection } of held) connection!.hold();
    const next = async (): Promise<void> => {
      for (let stream = held.pop(); stream; stream = held.pop()) {
        await this.reauthorize(stream);
        stream.connection?.release();
      }
    };
    for (let i = 0; i < AUTHORIZATIONS_AT_ONCE; i++) void next();
  }

  /** Ends a stream. @param retry whether its client may come back */
  end(
    stream: ClientStream,
    { reason, code, details, retry }: Omit<Farewell, 'retry'> & { retry: boolean },
  ): void {
    stream.end({ reason, code, details, retry: retry ? jittered(this.options.retry) : undefined });
  }

  /** Closes what is dead: sockets that are gone without a word. */
  reap(): void {
    for (const stream of this.streams.values()) if (stream.response.gone) stream.close('left');
  }

  /** From now on newcomers are sent to another process. */
  sendNewcomersAway(): void {
    this.drain.active = true;
  }

  /**
   * Hands all clients over: resolves when all responses have ended, or have been cut. Whoever comes meanwhile is sent away.
   *
   * @param timeout ms after which responses that have not ended are cut
   */
  async handOver(timeout: number): Promise<void> {
    await this.drain.run([...this.streams.values()], timeout, (stream) =>
      stream.end({ reason: 'drained', retry: jittered(this.options.drainRetry) }),
    );
    // Who came last and is still being sent away.
    for (const { response } of this.streams.values()) response.destroy();
  }

  stop(): void {
    this.deadlines.stop();
    for (const stream of this.streams.values()) stream.close('shutdown');
  }

  beaten(stream: ClientStream): void {
    if (!this.authorizer || Date.now() - stream.authorizedAt < this.options.authorizationInterval) return;
    // Not once more while it is being asked.
    stream.authorizedAt = Date.now();
    void this.reauthorize(stream);
  }

  expired(stream: ClientStream): void {
    const { endsFor: reason } = stream;
    this.end(stream, { reason, ...(reason === 'expired' && { code: 'EXPIRED' }), retry: true });
  }

  closed(stream: ClientStream, reason: string): void {
    this.streams.delete(stream.id);
    if (stream.connection) this.connections.close(stream.connection);
    if (stream.endsAt !== Infinity) this.deadlines.remove(stream.endsAt, stream);
    if (stream.registered) this.registrar.depart(stream.id, reason);
    this.figures.closed(reason);
    if (reason === 'ended-by-application' && stream.response.hasEvents) {
      this.interruptions.report(stream.client.route);
    }
  }

  private async begin(
    stream: ClientStream,
    channels: readonly string[],
    options: StreamOptions,
  ): Promise<void> {
    try {
      this.checkRoomHere(0);
      const refused = await this.refusedOf(stream, channels);
      const allowed = channels.filter((channel) => !refused.includes(channel));
      if (stream.isClosed) return;
      await this.open(stream, allowed, options);
      for (const channel of refused) stream.tell('error', { code: 'FORBIDDEN_CHANNEL', channel });
    } catch (error) {
      await this.refuse(stream, error);
    }
  }

  /** Resolves when it is open, or closed. */
  private open(stream: ClientStream, channels: readonly string[], options: StreamOptions): Promise<void> {
    const { response, client, id, user } = stream;
    stream.registered = {
      id,
      node: this.nodeId,
      user,
      channels,
      address: client.address,
      userAgent: client.userAgent?.slice(0, 512),
      metadata: options.metadata,
    };
    const admission = this.registrar.admit(stream.registered);
    // Looked at only when the channels are subscribed.
    admission.catch(() => undefined);
    return new Promise((resolve, reject) => {
      const cancel = this.connections.open(channels, options, response, {
        beating: stream,
        ready: async () => {
          const admitted = await admission;
          if (admitted !== 'in') throw tooMany(admitted);
          if (!(await response.opened())) return false;
          if (this.drain.active) throw draining();
          return this.isUpToDate(stream);
        },
        retry: () => jittered(this.options.retry),
        opened: (connection) => {
          stream.cancel = undefined;
          this.begun(stream, connection, options.expiresAt);
          resolve();
        },
        failed: reject,
      });
      stream.cancel = () => {
        cancel();
        resolve();
      };
      if (stream.isClosed) stream.cancel();
    });
  }

  private begun(stream: ClientStream, connection: Connection, expiresAt = Infinity): void {
    stream.connection = connection;
    stream.tellControl();
    const oldAt = this.oldAt();
    stream.endsAt = Math.min(expiresAt, oldAt);
    if (stream.endsAt === expiresAt) stream.endsFor = 'expired';
    if (stream.endsAt !== Infinity) this.deadlines.add(stream.endsAt, stream);
  }

  /** When a stream that begins now is too old, in ms since the epoch; spread, so that those who came together do not go together. */
  private oldAt(): number {
    const { maxConnectionAge } = this.options;
    if (maxConnectionAge === 0) return Infinity;
    // In some steps, so that those of one step share their bucket of `deadlines`.
    const step = maxConnectionAge / AGE_STEPS;
    return Math.ceil((Date.now() + maxConnectionAge * (0.8 + 0.4 * Math.random())) / step) * step;
  }

  /** Whether its rights were asked for since the link was last restored; asks again where they were not. */
  private async isUpToDate(stream: ClientStream): Promise<boolean> {
    if (!this.authorizer || stream.authorizedIn === this.restorations) return true;
    const { channels } = stream.registered!;
    const refused = await this.refusedOf(stream, channels);
    // Rare enough: it comes back, and then begins with those that it may be on.
    if (refused.length > 0) throw forbidden(refused);
    return !stream.isClosed;
  }

  /**
   * The channels that the client may not be on.
   *
   * @throws ForbiddenChannelError if that leaves none, or costs the connection
   */
  private async refusedOf(stream: ClientStream, channels: readonly string[]): Promise<string[]> {
    if (!this.authorizer) return [];
    stream.authorizedAt = Date.now();
    stream.authorizedIn = this.restorations;
    const refused = await this.authorizer.refused(identityOf(stream), channels);
    const isWhole = this.options.onRefusal === 'connection' || refused.length === channels.length;
    if (refused.length > 0 && isWhole) throw forbidden(refused);
    return refused;
  }

  private async askAgain(stream: ClientStream): Promise<void> {
    if (stream.isClosed || !stream.connection || stream.channels.length === 0) return;
    try {
      const refused = await this.refusedOf(stream, stream.channels);
      if (refused.length === 0 || stream.isClosed) return;
      this.connections.remove(stream.connection, refused);
      this.updateChannels(stream, [], refused);
      for (const channel of refused) stream.tell('error', { code: 'FORBIDDEN_CHANNEL', channel });
    } catch (error) {
      await this.refuse(stream, error);
    }
  }

  private updateChannels(stream: ClientStream, added: readonly string[], removed: readonly string[]): void {
    const connection: NewConnection = { ...stream.registered!, channels: stream.channels };
    stream.registered = connection;
    this.registrar.update({ connection, added, removed });
  }

  /** Its status is 200, or will be (any other would end an EventSource for good): tell why, when to return, and end it. */
  private async refuse(stream: ClientStream, error: unknown): Promise<void> {
    if (error instanceof DrainingError) {
      if (await stream.response.opened()) this.end(stream, { reason: 'drained', retry: true });
      return;
    }
    const isKnown = error instanceof SseRedisError;
    if (!isKnown || error.statusCode === 500) this.logger.error(error);
    const code = isKnown ? error.code : 'INTERNAL_ERROR';
    this.figures.refused(code);
    if (!(await stream.response.opened())) return;
    if (error instanceof ForbiddenChannelError) {
      this.end(stream, { reason: 'forbidden', code, details: { channels: error.channels }, retry: false });
    } else if (error instanceof TooManyConnectionsError) {
      stream.end({ reason: 'refused', code, retry: jittered(this.options.retry * FULL_RETRY_FACTOR) });
    } else {
      const reason = error instanceof RedisUnavailableError ? 'Redis away' : 'failed';
      this.end(stream, { reason, code, retry: true });
    }
  }

  private checkRoomHere(more: number): void {
    if (this.drain.active) throw draining();
    if (this.streams.size + more > this.options.connections) throw tooMany('process');
  }
}

function identityOf({ client, user }: ClientStream): AuthorizedClient {
  return { user, address: client.address, request: client.request };
}

function forbidden(channels: readonly string[]): ForbiddenChannelError {
  return new ForbiddenChannelError(
    `The authorize option refused ${channels.map((channel) => JSON.stringify(channel)).join(', ')}.`,
    channels,
  );
}

function draining(): DrainingError {
  return new DrainingError('This process is being shut down. Connect again: another one will answer.');
}

function tooMany(what: string): TooManyConnectionsError {
  return new TooManyConnectionsError(
    `The limit of connections per ${what} is reached. Close another one, or raise limits.connections, connectionsPerUser or connectionsPerAddress.`,
  );
}
