import { Redis, type NatMap, type RedisOptions } from 'ioredis';
import type { ServerAddress } from '../../../options/redis-cluster-options.interface.js';
import type { ClusterSettings } from './cluster-settings.js';
import { findNodes, findOwner, type SlotOwner } from './slot-table.js';

/** What one node says. */
export interface Testimony {
  readonly owner: SlotOwner | undefined;
  readonly nodes: readonly ServerAddress[];
}

/** Asks nodes of a cluster who has the slot of a key, each over a connection of its own. */
export class NodeAsker {
  private readonly open = new Set<Redis>();
  private isClosed = false;

  /** @param key of the hub: all its keys are in one slot */
  constructor(
    private readonly settings: ClusterSettings,
    private readonly key: string,
  ) {}

  /**
   * @param options of a connection, with user, password and TLS as they are now
   * @throws Error if the node does not answer, or refuses
   */
  async ask(node: ServerAddress, options: RedisOptions): Promise<Testimony> {
    if (this.isClosed) throw new Error('Connection is closed.');
    const connection = this.connectTo(node, options);
    this.open.add(connection);
    let failure: Error | undefined;
    connection.on('error', (error: Error) => (failure ??= error));
    try {
      await connection.connect();
      const [slot, slots, nodes] = await Promise.all([
        connection.call('CLUSTER', 'KEYSLOT', this.key) as Promise<number>,
        connection.call('CLUSTER', 'SLOTS'),
        // Hosts may refuse it. Without epochs, what most nodes say counts.
        connection.call('CLUSTER', 'NODES').catch(() => ''),
      ]);
      const owner = findOwner(slot, slots, String(nodes), node);
      return {
        owner: owner && { ...owner, ...this.translate(owner) },
        nodes: findNodes(slots, node).map((one) => this.translate(one)),
      };
    } catch (error) {
      throw failure ?? error;
    } finally {
      this.open.delete(connection);
      connection.disconnect();
    }
  }

  /** Where a node is reached that tells of itself as at an address. */
  translate({ host, port }: ServerAddress): ServerAddress {
    return translate(this.settings.natMap, `${host}:${port}`) ?? { host, port };
  }

  /** Ends what is asked now; nothing is asked any more. */
  close(): void {
    this.isClosed = true;
    for (const connection of this.open) connection.disconnect();
  }

  private connectTo(node: ServerAddress, options: RedisOptions): Redis {
    return new Redis({
      ...getAccess(options),
      ...node,
      connectTimeout: this.settings.nodeTimeout,
      commandTimeout: this.settings.nodeTimeout,
      enableReadyCheck: false,
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      disconnectTimeout: 200,
      retryStrategy: () => null,
    });
  }
}

/** What each node asks for. */
function getAccess({ username, password, tls, family }: RedisOptions): RedisOptions {
  return {
    ...(username && { username }),
    ...(password && { password }),
    ...(tls && { tls }),
    ...(family && { family }),
  };
}

function translate(natMap: NatMap | undefined, address: string): ServerAddress | undefined {
  return (typeof natMap === 'function' ? natMap(address) : natMap?.[address]) ?? undefined;
}
