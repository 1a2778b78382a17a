import type { IsState } from '../broker/broker.interface.js';
import { describeValue } from '../event/describe-value.js';
import type { Registrar } from '../clients/registrar.js';
import { NodeUnreachableError } from '../errors/node-unreachable.error.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import { TooManyChannelsError } from '../errors/too-many-channels.error.js';
import { parseChannels } from '../event/channel-name.js';
import type { ChannelLike } from '../event/channel-reference.js';
import { parsePositionAfter } from '../event/last-event-id.js';
import type { LinePosition } from '../event/position.js';
import type { ShardMap } from '../event/shard-map.js';
import { getNodeId, type ConnectionCommand, type ConnectionTarget } from './connection-command.js';
import type { ConnectionsResult, DisconnectOptions, SendOutcome, SubscribeOptions } from './control.types.js';
import type { NodeRpc, RpcOutcome } from './node-rpc.js';
import { InvalidArgumentError } from '../errors/invalid-argument.error.js';
import { checkOptions } from '../event/known-options.js';
import { parseConnectionId, parseTarget } from './parse-target.js';

const MAX_REASON_LENGTH = 200;
const DISCONNECT_OPTIONS: ReadonlySet<string> = new Set(['reason', 'reconnect']);
const NOBODY: ConnectionsResult = { connections: 0, refused: [], unanswered: [] };

/** Changes that a client asks for itself, with the secret of its connection. */
export interface OwnChannelsChange {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly after?: SubscribeOptions['after'];
  readonly change?: number | undefined;
}

interface ControlSettings {
  /** Channels of a connection. */
  readonly limit: number;
  readonly shards: ShardMap;
  readonly isState: IsState;
}

/** Commands to connections, in whatever node they are. */
export class ConnectionControl {
  constructor(
    private readonly rpc: NodeRpc,
    private readonly registrar: Registrar,
    private readonly settings: ControlSettings,
  ) {}

  async send(connectionId: string, text: string): Promise<SendOutcome> {
    const target = { connection: parseConnectionId('sendTo()', connectionId) };
    const result = await this.commandConnection(connectionId, { type: 'send', target, text });
    if (result.connections > 0) return 'delivered';
    return result.unanswered.length > 0 ? 'timeout' : 'unknown';
  }

  async disconnect(
    whom: ConnectionTarget | { readonly channel: ChannelLike },
    options: DisconnectOptions,
  ): Promise<ConnectionsResult> {
    checkOptions('disconnect()', options, DISCONNECT_OPTIONS);
    const target = parseTarget('disconnect()', whom, ['connection', 'user', 'channel', 'node']);
    const reason = parseReason(options.reason);
    const reconnect = parseReconnect(options.reconnect);
    return this.command(target, { type: 'disconnect', target, reason, reconnect });
  }

  async changeChannels(
    type: 'subscribe' | 'unsubscribe',
    target: string | { readonly user: string },
    channels: string | readonly string[],
    {
      after,
      secret,
      change,
    }: SubscribeOptions & Pick<OwnChannelsChange, 'change'> & { readonly secret?: string },
  ): Promise<ConnectionsResult> {
    const names = parseChannels(channels, this.settings.limit);
    const whom =
      typeof target === 'string'
        ? { connection: target }
        : parseTarget(`${type}()`, target, ['connection', 'user']);
    const results: ConnectionsResult[] = [];
    const groups = groupByPosition(names, after, this.settings);
    for (const [i, { group, start }] of groups.entries()) {
      const later = groups.slice(i + 1).flatMap((next) => next.group);
      const command = { type, target: whom, channels: group, later, secret, change };
      results.push(await this.command(whom, { ...command, after: start?.position, line: start?.line }));
    }
    return combine(results);
  }

  /** Changes the channels of a connection for the client itself. */
  async changeOwnChannels(
    connectionId: string,
    secret: string,
    { subscribe, unsubscribe, after, change }: OwnChannelsChange,
  ): Promise<ConnectionsResult> {
    const results: ConnectionsResult[] = [];
    if (unsubscribe.length > 0)
      results.push(await this.changeChannels('unsubscribe', connectionId, unsubscribe, { secret, change }));
    if (subscribe.length > 0)
      results.push(
        await this.changeChannels('subscribe', connectionId, subscribe, { secret, after, change }),
      );
    const { connections, refused, unanswered } = combine(results);
    return { connections: Math.min(1, connections), refused, unanswered };
  }

  async reauthorize(
    whom: { readonly user: string } | { readonly channel: ChannelLike } | undefined,
  ): Promise<void> {
    const target = whom === undefined ? undefined : parseTarget('reauthorize()', whom, ['user', 'channel']);
    const { timedOut, failed } = await this.rpc.requestAll({ type: 'reauthorize', target });
    // A process of another version may not know the command: there an old right still counts, too.
    const nodes = [...timedOut, ...failed];
    if (nodes.length === 0) return;
    throw new NodeUnreachableError(
      `The processes ${nodes.join(', ')} did not answer, or could not do it: what was revoked may still count there. Call reauthorize again.`,
      nodes,
    );
  }

  private async command(target: ConnectionTarget, command: ConnectionCommand): Promise<ConnectionsResult> {
    if ('connection' in target) return this.commandConnection(target.connection, command);
    const request = 'node' in target ? this.rpc.request(target.node, command) : this.rpc.requestAll(command);
    return toResult(await request);
  }

  private async commandConnection(
    connectionId: string,
    command: ConnectionCommand,
  ): Promise<ConnectionsResult> {
    const node = getNodeId(connectionId);
    if (node === '') return NOBODY;
    const outcome = await this.rpc.request(node, command);
    // The node does not hear. If it is dead and swept away, so is the connection.
    if (outcome.unreachable.length > 0 && !(await this.registrar.has(connectionId))) return NOBODY;
    return toResult(outcome);
  }
}

/** The results of all nodes together. A failure of one of them is an error. */
function toResult({ results, timedOut, unreachable }: RpcOutcome): ConnectionsResult {
  const failed = results.find(({ error }) => error)?.error;
  if (failed)
    throw failed.code === 'TOO_MANY_CHANNELS'
      ? new TooManyChannelsError(failed.message)
      : new RedisUnavailableError(failed.message);
  return {
    connections: results.reduce((sum, { connections }) => sum + connections, 0),
    refused: [...new Set(results.flatMap(({ refused }) => refused))],
    unanswered: [...timedOut, ...unreachable],
  };
}

/** The result of several commands to the same connections. */
function combine(results: readonly ConnectionsResult[]): ConnectionsResult {
  return {
    connections: Math.min(...results.map(({ connections }) => connections)),
    refused: [...new Set(results.flatMap(({ refused }) => refused))],
    unanswered: [...new Set(results.flatMap(({ unanswered }) => unanswered))],
  };
}

/** Some channels, and after which position each goes on; undefined: they begin at now. */
interface Group {
  readonly group: string[];
  readonly start?: LinePosition | undefined;
}

/** The id of a late event has a position for each of several channels, and one line; a joined one those of several shards. */
function groupByPosition(
  channels: readonly string[],
  after: SubscribeOptions['after'],
  { shards, isState }: ControlSettings,
): Group[] {
  if (after === undefined) return [{ group: [...channels] }];
  const groups = new Map<string, Group>();
  for (const channel of channels) {
    const id = readAfter(after, channel);
    const start = id === undefined ? undefined : parsePositionAfter(id, channel, shards, isState);
    const key = start ? `${start.position} ${shards.of(channel)}` : '';
    const known = groups.get(key);
    if (known) known.group.push(channel);
    else groups.set(key, { group: [channel], start });
  }
  return [...groups.values()];
}

/** Returns the id after which a channel begins; undefined: at now. Anything else than an id is for its parser to refuse. */
function readAfter(after: NonNullable<SubscribeOptions['after']>, channel: string): string | undefined {
  if (typeof after !== 'object' || after === null || Array.isArray(after)) return after as string;
  return Object.hasOwn(after, channel) ? after[channel] : undefined;
}

/** Anything else would count as false, and keep its client away for good. */
function parseReconnect(reconnect: boolean | undefined): boolean {
  if (reconnect === undefined || typeof reconnect === 'boolean') return reconnect ?? false;
  throw new InvalidArgumentError(`reconnect takes true or false, it got ${describeValue(reconnect)}.`);
}

function parseReason(reason: string | undefined): string {
  if (reason === undefined) return 'disconnected';
  if (typeof reason === 'string' && reason.length > 0 && reason.length <= MAX_REASON_LENGTH) return reason;
  throw new InvalidArgumentError(`A reason is a string of 1 to ${MAX_REASON_LENGTH} characters.`);
}
