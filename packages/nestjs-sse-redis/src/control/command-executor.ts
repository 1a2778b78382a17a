import { SseRedisError } from '../errors/sse-redis.error.js';
import type { ClientConnection } from '../clients/client-connection.js';
import type { ClientConnections } from '../clients/client-connections.js';
import type { LinePosition } from '../event/position.js';
import type { ConnectionTarget, ConnectionCommand, CommandResult } from './connection-command.js';

/** Does what was asked to those connections that are in this process. Never rejects. */
export async function executeCommand(
  clients: ClientConnections,
  nodeId: string,
  command: ConnectionCommand,
): Promise<CommandResult> {
  if (command.type === 'prove') {
    const gone = await clients.proveAlive(command.target);
    return { connections: gone.length, refused: [], gone };
  }
  if (command.type === 'find-oldest')
    return { connections: 0, refused: [], oldest: clients.findOldest(command.target) };
  const connections = targets(clients, nodeId, command.target).filter(
    (connection) =>
      !('secret' in command) || command.secret === undefined || connection.isSecret(command.secret),
  );
  try {
    const refused = await Promise.all(connections.map((connection) => apply(clients, connection, command)));
    const done = refused.filter((channels) => channels !== undefined);
    return { connections: done.length, refused: [...new Set(done.flat())] };
  } catch (error) {
    const code = error instanceof SseRedisError ? error.code : 'INTERNAL_ERROR';
    return {
      connections: 0,
      refused: [],
      error: { code, message: error instanceof Error ? error.message : String(error) },
    };
  }
}

/** Returns the channels that were refused, or undefined if the connection was over before it could be done. */
async function apply(
  clients: ClientConnections,
  connection: ClientConnection,
  command: Exclude<ConnectionCommand, { readonly type: 'prove' | 'find-oldest' }>,
): Promise<string[] | undefined> {
  switch (command.type) {
    case 'send': {
      // After its opening, but not in turn: a client that reads slowly must not hold up what else is done to it.
      await connection.inTurn(() => Promise.resolve());
      return (await connection.subscriber?.sendMessage(command.text)) === true ? [] : undefined;
    }
    case 'disconnect':
      if (!(await connection.response.opened())) return undefined;
      clients.disconnect(connection, command.reason, command.reconnect);
      return [];
    case 'replace':
      if (connection.isClosed) return undefined;
      clients.replace(connection);
      return [];
    case 'subscribe':
      return subscribe(clients, connection, command);
    case 'unsubscribe':
      return unsubscribe(clients, connection, command);
    case 'reauthorize':
      await clients.reauthorize(connection);
      return [];
    default:
      // Of a newer version, in the midst of a deploy.
      throw new TypeError('This process does not know what is asked of it.');
  }
}

async function subscribe(
  clients: ClientConnections,
  connection: ClientConnection,
  command: ConnectionCommand & { readonly type: 'subscribe' },
): Promise<string[]> {
  const { channels, change, later } = command;
  const refused = await clients.subscribe(connection, channels, toStart(command), later);
  const subscribed = channels.filter((channel) => !refused.includes(channel));
  if (change !== undefined) connection.sendChange({ change, subscribed });
  return refused;
}

async function unsubscribe(
  clients: ClientConnections,
  connection: ClientConnection,
  { channels: unsubscribed, change, secret }: ConnectionCommand & { readonly type: 'unsubscribe' },
): Promise<string[]> {
  const removed = await clients.unsubscribe(connection, unsubscribed);
  // A page that puts its channels back after a reconnect would have this one again, and wait for its events until then.
  if (secret === undefined && connection.hasControl)
    for (const channel of removed) connection.sendNow('error', { code: 'UNSUBSCRIBED', channel });
  // Events of these channels that follow are of another subscription.
  if (change !== undefined) connection.sendChange({ change, unsubscribed });
  return [];
}

function toStart({ after, line = 0 }: ConnectionCommand & { type: 'subscribe' }): LinePosition | undefined {
  return after === undefined ? undefined : { position: after, line };
}

function targets(
  clients: ClientConnections,
  nodeId: string,
  target: ConnectionTarget | undefined,
): ClientConnection[] {
  if (target && 'connection' in target) {
    const connection = clients.find(target.connection);
    return connection ? [connection] : [];
  }
  return [...clients.all].filter((connection) => {
    if (!target) return true;
    if ('user' in target) return connection.user === target.user;
    if ('node' in target) return nodeId === target.node;
    // While it is being opened it is on the channels that it asked for.
    const channels = connection.subscriber ? connection.channels : (connection.registration?.channels ?? []);
    return channels.includes(target.channel);
  });
}
