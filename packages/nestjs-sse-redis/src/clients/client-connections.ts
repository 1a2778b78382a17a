import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import type { CloseCause, HubCounters } from '../delivery/hub-counters.js';
import type { SubscriberPool } from '../delivery/open-subscriber.interface.js';
import type { LinePosition } from '../event/position.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { AcknowledgementWatch } from '../response/acknowledgement-watch.js';
import type { ResponseSink } from '../response/response-sink.js';
import { Admission, type NodeLoad } from './admission.js';
import { Authorization } from './authorization.js';
import { ClosedSocketWatch } from './closed-socket-watch.js';
import { ChannelChanges, type ChannelLimits } from './channel-changes.js';
import { ClientConnection, type ConnectionOwner } from './client-connection.js';
import type { ConnectingClient } from './connecting-client.js';
import { ConnectionOpener, type ConnectionOptions } from './connection-opener.js';
import { Drain } from './drain.js';
import { EndingResponses } from './ending-responses.js';
import { ExpiryTimer } from './expiry-timer.js';
import { HeldRefusals, isHeld } from './held-refusals.js';
import { Interruptions } from './interruptions.js';
import { findVanished } from './liveness-proof.js';
import type { LimitPeers, LimitScope, OldestConnection } from './limit-scope.js';
import { Proofs } from './proofs.js';
import { toRefusal } from './refusal.js';
import type { Registrar } from './registrar.js';
import { jitter } from './retry-time.js';

/** Connections that ask the application at once whether they may go on. */
const AUTHORIZATIONS_AT_ONCE = 64;
/** Connections of a user or an address that one proof writes to, the oldest first. */
const PROVEN_AT_ONCE = 32;

/** The connections of all clients of this node. */
export class ClientConnections implements ConnectionOwner, NodeLoad {
  private readonly logger = new Logger('SseHub');
  private readonly byId = new Map<string, ClientConnection>();
  readonly closedSockets = new ClosedSocketWatch(this.byId);
  private readonly expiryTimer = new ExpiryTimer();
  private readonly watch: AcknowledgementWatch;
  private readonly drain = new Drain();
  private readonly interruptions = new Interruptions();
  private readonly heldRefusals = new HeldRefusals();
  private readonly ending = new EndingResponses();
  /** Proofs over all processes, and over this one alone. */
  private readonly proofs = new Proofs((scope) => this.peers.prove(scope));
  private readonly ownProofs = new Proofs((scope) => this.proveHere(scope));
  /** Set once there is a way to reach them. */
  peers!: LimitPeers;
  private readonly authorization: Authorization;
  private readonly admission: Admission;
  private readonly changes: ChannelChanges;
  private readonly opener: ConnectionOpener;
  private lastNumber = 0;
  /** Nothing is delivered. */
  isSuspended = false;
  /** How often delivery began again. */
  private restorations = 0;

  constructor(
    private readonly nodeId: string,
    private readonly subscribers: SubscriberPool,
    private readonly registrar: Registrar,
    private readonly options: ResolvedOptions & ChannelLimits,
    private readonly counters: HubCounters,
  ) {
    const authorization = new Authorization(options);
    this.authorization = authorization;
    this.watch = new AcknowledgementWatch(options.stallTimeout);
    this.admission = new Admission(this, registrar, options, this.proofs, (scope) =>
      this.peers.replaceOldest(scope),
    );
    this.changes = new ChannelChanges(subscribers, registrar, authorization, options);
    this.opener = new ConnectionOpener(nodeId, subscribers, this.admission, authorization, options, this);
  }

  get size(): number {
    return this.byId.size;
  }

  get all(): Iterable<ClientConnection> {
    return this.byId.values();
  }

  get drainProgress(): Pick<Drain, 'active' | 'total' | 'left'> {
    return this.drain;
  }

  get isDraining(): boolean {
    return this.drain.active;
  }

  /** Whether the application decides about channels. */
  get isAuthorized(): boolean {
    return this.authorization.isActive;
  }

  find(id: string): ClientConnection | undefined {
    return this.byId.get(id);
  }

  /** Serves the response of a client. */
  serve(
    client: ConnectingClient,
    channels: readonly string[],
    options: ConnectionOptions,
    response: ResponseSink,
  ): void {
    const id = `${this.nodeId}.${(++this.lastNumber).toString(36)}`;
    const secret = options.control ? randomBytes(18).toString('base64url') : undefined;
    const connection = new ClientConnection(id, client, channels, options.user, response, secret, this);
    this.byId.set(id, connection);
    // Else it would come back to this process over the same connection, and keep its server from closing.
    if (this.drain.active) response.endConnection();
    // At once: the state that Nest keeps until the headers are out must not grow old over a question to Redis.
    void response.opened();
    void connection.inTurn(async () => {
      try {
        await this.opener.open(connection, channels, options);
        if (connection.isClosed) return;
        this.watch.add(connection);
        if (connection.endsAt !== Infinity) this.expiryTimer.add(connection.endsAt, connection);
      } catch (error) {
        await this.refuse(connection, error);
      }
    });
  }

  /** @throws DrainingError | TooManyConnectionsError | RedisUnavailableError where a connection would be refused now */
  checkCapacity(user: string | undefined, address: string | undefined): Promise<void> {
    return this.admission.check(user, address);
  }

  /** Adds channels to a connection. @param later others, which follow @returns the channels that the application refused */
  subscribe(
    connection: ClientConnection,
    channels: readonly string[],
    after: LinePosition | undefined,
    later?: readonly string[],
  ): Promise<string[]> {
    return this.changes.subscribe(connection, channels, after, later);
  }

  unsubscribe(connection: ClientConnection, channels: readonly string[]): Promise<string[]> {
    return this.changes.unsubscribe(connection, channels);
  }

  /** Asks the application again about the channels of a connection, and removes those that it refuses. */
  reauthorize(connection: ClientConnection): Promise<void> {
    return connection.inTurn(async () => {
      const { channels } = connection;
      if (connection.isClosed || channels.length === 0) return;
      try {
        const refused = await this.authorization.findRefused(connection, channels);
        if (refused.length > 0 && !connection.isClosed) this.changes.forbid(connection, refused);
      } catch (error) {
        await this.refuse(connection, error);
      }
    });
  }

  /** Delivers nothing until the application was asked: a right may have been revoked unheard. */
  suspendDelivery(): void {
    if (this.isSuspended) return;
    this.isSuspended = true;
    // Whoever is being opened is asked about again.
    this.authorization.beginEpoch();
    for (const { subscriber } of this.byId.values()) subscriber?.pause();
  }

  /** Other nodes count on this one again: from now on it hears of each revocation. */
  resumeDelivery(): void {
    if (this.isSuspended) this.linkRestored();
  }

  /** Rights that were revoked while the link was down were not heard of. */
  linkRestored(): void {
    this.authorization.beginEpoch();
    if (!this.isAuthorized) return;
    this.isSuspended = false;
    const restoration = ++this.restorations;
    const open = [...this.byId.values()].filter(({ subscriber }) => subscriber !== undefined);
    // Before any of them catches up.
    for (const { subscriber } of open) subscriber!.pause();
    const next = async (): Promise<void> => {
      for (let connection = open.pop(); connection; connection = open.pop()) {
        await this.reauthorize(connection);
        // Delivery was suspended, or began, once more: this answer says nothing of what was revoked since.
        if (this.isSuspended || restoration !== this.restorations) return;
        connection.subscriber?.resume();
      }
    };
    for (let i = 0; i < AUTHORIZATIONS_AT_ONCE; i++) void next();
  }

  /** Ends a connection for the application. @param reconnect whether the client may return */
  disconnect(connection: ClientConnection, reason: string, reconnect: boolean): void {
    connection.close('disconnected', {
      reason,
      retry: reconnect ? jitter(this.options.retry) : undefined,
    });
  }

  /** Closes connections of a user or an address whose clients are gone, of the oldest ones here. @returns their ids */
  proveAlive(scope: LimitScope): Promise<readonly string[]> {
    return this.ownProofs.run(scope);
  }

  /** @returns the oldest open connection of a user or an address in this process */
  findOldest(scope: LimitScope): OldestConnection | undefined {
    const oldest = this.ofScope(scope)[0];
    return oldest && { id: oldest.id, since: performance.timeOrigin + oldest.beganAt };
  }

  /** Closes a connection for good, in favour of a newer one of its user or address. */
  replace(connection: ClientConnection): void {
    connection.close('replaced', { retry: undefined });
  }

  /** The oldest first. */
  private ofScope(scope: LimitScope): ClientConnection[] {
    const isIn = ({ user, client }: ClientConnection): boolean =>
      'user' in scope ? user === scope.user : client.address === scope.address;
    return [...this.byId.values()].filter((each) => each.subscriber && isIn(each));
  }

  private async proveHere(scope: LimitScope): Promise<string[]> {
    const oldest = this.ofScope(scope).slice(0, PROVEN_AT_ONCE);
    if (oldest.length === 0) return [];
    const gone = await findVanished(oldest, await this.watch.isAvailable);
    for (const connection of gone) connection.onSilent('vanished');
    return oldest.filter(({ isClosed }) => isClosed).map(({ id }) => id);
  }

  /** Sends new clients to another node from now on. */
  sendNewcomersAway(): void {
    this.drain.active = true;
  }

  /**
   * Hands all clients over. Resolves when all responses have ended.
   *
   * @param timeout ms after which responses that have not ended are cut
   */
  async handOver(timeout: number): Promise<void> {
    this.heldRefusals.releaseAll();
    const left = await this.drain.run([...this.byId.values()], timeout, (connection) =>
      connection.close('drained', { retry: jitter(this.options.drainRetry) }),
    );
    await this.ending.cut([...this.byId.values()], left);
  }

  stop(): void {
    this.expiryTimer.stop();
    this.watch.stop();
    this.heldRefusals.releaseAll();
    for (const connection of this.byId.values()) connection.close('shutdown');
  }

  onBeat(connection: ClientConnection): void {
    if (!this.authorization.isDue(connection)) return;
    // The answer may take longer than a heartbeat: it is asked for once.
    connection.noteAuthorization(connection.authorizedIn);
    void this.reauthorize(connection);
  }

  onExpired(connection: ClientConnection): void {
    const { expiryCause: cause } = connection;
    const code = cause === 'expired' ? { code: 'EXPIRED' } : {};
    connection.close(cause, { ...code, retry: jitter(this.options.retry) });
  }

  end({ response, beganAt }: ClientConnection, cause: CloseCause): void {
    if (isHeld(cause)) this.heldRefusals.end(response, beganAt);
    else response.end();
  }

  onClosed(connection: ClientConnection, cause: CloseCause, reason: string): void {
    this.byId.delete(connection.id);
    this.ending.add(connection.response);
    this.watch.remove(connection);
    if (connection.subscriber) this.subscribers.close(connection.subscriber);
    if (connection.endsAt !== Infinity) this.expiryTimer.remove(connection.endsAt, connection);
    if (connection.registration) this.registrar.unregister(connection.id, reason);
    this.counters.closed(cause);
    if (cause === 'ended-by-application' && connection.response.hasEvents) {
      this.interruptions.report(connection.client.route);
    }
  }

  private async refuse(connection: ClientConnection, error: unknown): Promise<void> {
    const { cause, farewell, code, isFault } = toRefusal(error, this.options.retry);
    if (isFault) this.logger.error(error);
    if (code !== undefined) this.counters.refused(code);
    if (await connection.response.opened()) connection.close(cause, farewell);
  }
}
