import type { SubscriberPool } from '../delivery/open-subscriber.interface.js';
import { TooManyChannelsError } from '../errors/too-many-channels.error.js';
import type { LinePosition } from '../event/position.js';
import type { Authorization } from './authorization.js';
import type { ClientConnection } from './client-connection.js';
import type { Registrar } from './registrar.js';

export interface ChannelLimits {
  readonly channelsPerConnection: number;
  /** @throws TooManyChannelsError where too many channels of a connection are state channels */
  readonly checkStates: (channels: readonly string[]) => void;
}

/** Changes the channels of open connections, here and in the registry. */
export class ChannelChanges {
  constructor(
    private readonly subscribers: SubscriberPool,
    private readonly registrar: Registrar,
    private readonly authorization: Authorization,
    private readonly limits: ChannelLimits,
  ) {}

  /**
   * Adds channels to a connection.
   *
   * @param later others that follow: there has to be room for all
   * @returns the channels that the application refused
   * @throws TooManyChannelsError | AuthorizationFailedError | RedisUnavailableError
   */
  subscribe(
    connection: ClientConnection,
    channels: readonly string[],
    after: LinePosition | undefined,
    later: readonly string[] = [],
  ): Promise<string[]> {
    return connection.inTurn(async () => {
      const { subscriber } = connection;
      if (!subscriber || connection.isClosed) return [];
      const present = new Set(connection.channels);
      const added = channels.filter((channel) => !present.has(channel));
      const following = later.filter((channel) => !present.has(channel));
      this.checkLimit(present.size, added.length + following.length);
      if (added.length > 0) this.limits.checkStates([...present, ...added, ...following]);
      const refused = await this.authorization.ask(connection, added);
      const allowed = added.filter((channel) => !refused.includes(channel));
      if (allowed.length > 0 && !connection.isClosed) {
        await this.subscribers.add(subscriber, allowed, after);
        this.publishChange(connection);
      }
      return refused;
    });
  }

  /** Removes channels of a connection. @returns those that it was on */
  unsubscribe(connection: ClientConnection, channels: readonly string[]): Promise<string[]> {
    return connection.inTurn(async () => {
      await Promise.resolve();
      const removed = connection.channels.filter((channel) => channels.includes(channel));
      if (connection.isClosed || removed.length === 0) return [];
      this.remove(connection, removed);
      return removed;
    });
  }

  /** Removes channels that the application refuses, and sends the client one `error` event for each. */
  forbid(connection: ClientConnection, refused: readonly string[]): void {
    this.remove(connection, refused);
    for (const channel of refused) connection.sendNow('error', { code: 'FORBIDDEN_CHANNEL', channel });
  }

  private remove(connection: ClientConnection, channels: readonly string[]): void {
    this.subscribers.remove(connection.subscriber!, channels);
    this.publishChange(connection);
  }

  private publishChange(connection: ClientConnection): void {
    const record = { ...connection.registration!, channels: connection.channels };
    this.registrar.update(connection.register(record));
  }

  private checkLimit(present: number, added: number): void {
    const { channelsPerConnection: limit } = this.limits;
    if (present + added <= limit) return;
    throw new TooManyChannelsError(
      `A connection may be on ${limit} channels, this one is on ${present} and was to be on ${added} more. Raise limits.channelsPerConnection, or unsubscribe it from others.`,
    );
  }
}
