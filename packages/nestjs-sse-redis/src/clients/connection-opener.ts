import type { OpenSubscriber, StartOptions, SubscriberPool } from '../delivery/open-subscriber.interface.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import type { Admission } from './admission.js';
import type { Authorization } from './authorization.js';
import type { ClientConnection, Lifetime } from './client-connection.js';
import { jitter } from './retry-time.js';

/** Connections that began together end in this many steps of `maxConnectionAge`: of an hour, 14 seconds each. */
const AGE_STEPS = 256;
/** Characters of a user agent in the registry. */
const USER_AGENT_LENGTH = 512;

/** A connection that is to be opened, besides its client and channels. */
export interface ConnectionOptions extends StartOptions {
  readonly user: string | undefined;
  readonly metadata: unknown;
  /** ms since the epoch. */
  readonly expiresAt: number | undefined;
  readonly control: boolean;
}

/** Opens connections: rights, registration, headers and subscription, in the order that loses nothing. */
export class ConnectionOpener {
  constructor(
    private readonly nodeId: string,
    private readonly subscribers: SubscriberPool,
    private readonly admission: Admission,
    private readonly authorization: Authorization,
    private readonly options: Pick<ResolvedOptions, 'retry' | 'maxConnectionAge' | 'heartbeatInterval'>,
    private readonly delivery: { readonly isSuspended: boolean },
  ) {}

  /** Resolves when the connection is open, or closed. @throws SseRedisError where it is refused */
  async open(
    connection: ClientConnection,
    channels: readonly string[],
    options: ConnectionOptions,
  ): Promise<void> {
    this.admission.checkNode(0);
    const refused = await this.authorization.findRefused(connection, channels);
    if (connection.isClosed) return;
    const allowed = channels.filter((channel) => !refused.includes(channel));
    await this.subscribe(connection, allowed, options);
    for (const channel of refused) connection.sendNow('error', { code: 'FORBIDDEN_CHANNEL', channel });
  }

  private subscribe(
    connection: ClientConnection,
    channels: readonly string[],
    options: ConnectionOptions,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.subscribers.open(channels, options, connection.response, {
        heartbeatTarget: connection,
        ready: async () => {
          // Not before its place is found: who hears that it is there may publish for it at once.
          await this.register(connection, channels, options);
          return this.isReady(connection, channels);
        },
        retry: () => jitter(this.options.retry),
        isPaused: () => this.delivery.isSuspended,
        opened: (subscriber) => {
          this.begin(connection, subscriber, options.expiresAt);
          resolve();
        },
        failed: reject,
      });
      connection.onCancel(() => {
        cancel();
        resolve();
      });
    });
  }

  private register(
    connection: ClientConnection,
    channels: readonly string[],
    options: ConnectionOptions,
  ): Promise<void> {
    const record = this.toRecord(connection, channels, options);
    return this.admission.register(record, () => connection.isClosed);
  }

  private async isReady(connection: ClientConnection, channels: readonly string[]): Promise<boolean> {
    if (!(await connection.response.opened())) return false;
    this.admission.checkDraining();
    await this.authorization.confirm(connection, channels);
    return !connection.isClosed;
  }

  private begin(connection: ClientConnection, subscriber: OpenSubscriber, expiresAt = Infinity): void {
    connection.begin(subscriber, this.toLifetime(expiresAt), this.options.heartbeatInterval);
  }

  private toLifetime(expiresAt: number): Lifetime {
    const oldAt = this.getOldAt();
    return expiresAt <= oldAt ? { endsAt: expiresAt, cause: 'expired' } : { endsAt: oldAt, cause: 'max-age' };
  }

  /** When a connection that begins now is too old, in ms since the epoch; spread, so that clients do not return together. */
  private getOldAt(): number {
    const { maxConnectionAge } = this.options;
    if (maxConnectionAge === 0) return Infinity;
    // Connections of one step share a bucket of `ExpiryTimer`.
    const step = maxConnectionAge / AGE_STEPS;
    return Math.ceil((Date.now() + maxConnectionAge * (0.8 + 0.4 * Math.random())) / step) * step;
  }

  private toRecord(
    connection: ClientConnection,
    channels: readonly string[],
    { metadata }: ConnectionOptions,
  ) {
    const { id, user, client } = connection;
    return connection.register({
      id,
      node: this.nodeId,
      user,
      channels,
      address: client.address,
      userAgent: client.userAgent?.slice(0, USER_AGENT_LENGTH),
      metadata,
    });
  }
}
