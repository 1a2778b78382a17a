import { AsyncResource } from 'node:async_hooks';
import { ForbiddenChannelError } from '../errors/forbidden-channel.error.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import { Authorizer } from './authorizer.js';
import type { ClientConnection } from './client-connection.js';

type Options = Pick<ResolvedOptions, 'authorize' | 'authorizationInterval' | 'onRefusal'>;

/** The rights of connections on their channels, and how fresh the application's answer about them is. */
export class Authorization {
  private readonly authorizer: Authorizer | undefined;
  /** Restorations of the link. A right that was revoked while the link was down was not heard of. */
  private epoch = 0;

  constructor(private readonly options: Options) {
    this.authorizer = options.authorize === undefined ? undefined : new Authorizer(options.authorize);
  }

  /** Whether the application decides about channels. */
  get isActive(): boolean {
    return this.authorizer !== undefined;
  }

  beginEpoch(): void {
    this.epoch++;
  }

  /** Whether the last answer is older than `authorizationInterval`. */
  isDue(connection: ClientConnection): boolean {
    return this.isActive && performance.now() - connection.authorizedAt >= this.options.authorizationInterval;
  }

  /** The channels that the application refuses, without consequences. @throws AuthorizationFailedError */
  async ask(connection: ClientConnection, channels: readonly string[]): Promise<string[]> {
    const { user, client } = connection;
    const { authorizer } = this;
    if (authorizer === undefined) return [];
    const identity = { user, address: client.address, request: client.request };
    // First asked as it opens, in the context of its request. A timer has none, and `reauthorize` that of somebody else.
    const context = (connection.requestContext ??= new AsyncResource('SSE_CONNECTION'));
    return context.runInAsyncScope(() => authorizer.refused(identity, channels));
  }

  /**
   * The channels that the application refuses, where the connection may go on without them.
   *
   * @throws ForbiddenChannelError if no channel is left of a stream that began with some, or `onRefusal` is `connection`
   * @throws AuthorizationFailedError
   */
  async findRefused(connection: ClientConnection, channels: readonly string[]): Promise<string[]> {
    if (!this.isActive) return [];
    connection.noteAuthorization(this.epoch);
    const refused = await this.ask(connection, channels);
    if (refused.length > 0 && this.endsStream(connection, channels, refused)) throw forbidden(refused);
    return refused;
  }

  /** A client that began without channels would be let in again as it returns, and may be put on others. */
  private endsStream(
    { endsWithChannels }: ClientConnection,
    channels: readonly string[],
    refused: readonly string[],
  ): boolean {
    if (this.options.onRefusal === 'connection') return true;
    return refused.length === channels.length && endsWithChannels;
  }

  /**
   * Asks again where the link was restored since the last answer.
   *
   * @throws ForbiddenChannelError if a channel is refused. The client returns, and begins with the channels that are left
   */
  async confirm(connection: ClientConnection, channels: readonly string[]): Promise<void> {
    if (!this.isActive || connection.authorizedIn === this.epoch) return;
    const refused = await this.findRefused(connection, channels);
    if (refused.length > 0) throw forbidden(refused);
  }
}

function forbidden(channels: readonly string[]): ForbiddenChannelError {
  return new ForbiddenChannelError(
    `The authorize option refused ${channels.map((channel) => JSON.stringify(channel)).join(', ')}.`,
    channels,
  );
}
