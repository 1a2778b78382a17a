import { Redis, type NatMap, type RedisOptions } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerAddress } from '../../../options/redis-cluster-options.interface.js';
import type { ClusterSettings } from './cluster-settings.js';
import { findNodes, findOwner, type SlotOwner } from './slot-table.js';

/** A node that takes longer is passed over. */
const NODE_TIMEOUT_MS = 1_000;
/** How many nodes are asked at once: one may be stale, or alone on its side of a partition. */
const ASKED_AT_ONCE = 3;
/** How long other nodes are waited for after the first answer. */
const GRACE_MS = 200;

/** What one node says. */
interface Testimony {
  readonly owner: SlotOwner | undefined;
  readonly nodes: readonly ServerAddress[];
}

/** What some nodes say, and why others said nothing. */
interface Answers {
  readonly testimonies: Testimony[];
  readonly failures: unknown[];
}

/**
 * Finds the master that has the slot of a key.
 *
 * The `Cluster` of ioredis 6.0 is not used: it sends a command again that may have been run, and does not say when a subscription
 * stands. In a failover nodes contradict one another for a while: the claim with the greatest epoch counts, as among the nodes.
 */
export class SlotFinder {
  /** Nodes that were heard of, the most likely to know first; the seeds are among them. */
  private known: readonly ServerAddress[];
  /** A node that is likely to know of a change before others do. */
  private hint: ServerAddress | undefined;
  private search: Promise<SlotOwner> | undefined;

  /** @param key of the hub: all its keys are in one slot */
  constructor(
    private readonly settings: ClusterSettings,
    private readonly key: string,
  ) {
    this.known = settings.seeds;
  }

  /** A node that is to be asked first, as it is told by `host:port` in a refusal. */
  askFirst(address: string): void {
    const at = address.lastIndexOf(':');
    const host = address.slice(0, at);
    // Without a host it is the one that was asked.
    if (host !== '') this.hint = this.translate({ host, port: Number(address.slice(at + 1)) });
  }

  /**
   * The owner now. What is asked for meanwhile is answered with it.
   *
   * @param options of a connection, with user, password and TLS as they are now
   * @throws Error if no node answers, or nobody has the slot
   */
  find(options: RedisOptions): Promise<SlotOwner> {
    this.search ??= this.ask(getAccess(options)).finally(() => (this.search = undefined));
    return this.search;
  }

  private async ask(access: RedisOptions): Promise<SlotOwner> {
    const candidates = this.candidates();
    let lastError: unknown = new Error('no node of the cluster is known');
    for (let start = 0; start < candidates.length; start += ASKED_AT_ONCE) {
      const asked = candidates.slice(start, start + ASKED_AT_ONCE);
      const { testimonies, failures } = await this.askSome(asked, access);
      const owner = newest(testimonies);
      if (owner) {
        this.learn(owner, testimonies);
        return owner;
      }
      lastError = failures[0] ?? new Error(`no node of the cluster has the slot of ${this.key}`);
    }
    throw lastError;
  }

  /** Whatever is said until soon after the first answer: one that hangs holds up nobody. */
  private async askSome(nodes: readonly ServerAddress[], access: RedisOptions): Promise<Answers> {
    const answers: Answers = { testimonies: [], failures: [] };
    const asked = nodes.map((node) => this.askNode(node, access));
    const all = asked.map((answer) =>
      answer.then(
        (testimony) => answers.testimonies.push(testimony),
        (error: unknown) => answers.failures.push(error),
      ),
    );
    const soon = Promise.any(asked).then(
      () => delay(GRACE_MS, undefined, { ref: false }),
      () => undefined,
    );
    await Promise.race([Promise.all(all), soon]);
    return answers;
  }

  /** The likely ones first, then all others in an order of its own, so that no node is asked by everybody. */
  private candidates(): ServerAddress[] {
    const first = this.hint ? [this.hint] : [];
    const [latest, ...others] = this.known;
    if (latest) first.push(latest);
    const unique = new Map(
      [...first, ...shuffle(others), ...this.settings.seeds].map((node) => [nameOf(node), node]),
    );
    return [...unique.values()];
  }

  private learn(owner: SlotOwner, testimonies: readonly Testimony[]): void {
    this.hint = undefined;
    const nodes = testimonies.find((one) => one.nodes.length > 0)?.nodes ?? [];
    this.known = [owner, ...nodes.filter((node) => nameOf(node) !== nameOf(owner))];
  }

  private async askNode(node: ServerAddress, access: RedisOptions): Promise<Testimony> {
    const connection = new Redis({
      ...access,
      ...node,
      connectTimeout: NODE_TIMEOUT_MS,
      commandTimeout: NODE_TIMEOUT_MS,
      enableReadyCheck: false,
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      disconnectTimeout: 200,
      retryStrategy: () => null,
    });
    let failure: Error | undefined;
    connection.on('error', (error: Error) => (failure ??= error));
    try {
      await connection.connect();
      const [slot, slots, nodes] = await Promise.all([
        connection.call('CLUSTER', 'KEYSLOT', this.key) as Promise<number>,
        connection.call('CLUSTER', 'SLOTS'),
        // Hosts may refuse it. Without epochs, what the first node says counts.
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
      connection.disconnect();
    }
  }

  private translate({ host, port }: ServerAddress): ServerAddress {
    return translate(this.settings.natMap, `${host}:${port}`) ?? { host, port };
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

function newest(testimonies: readonly Testimony[]): SlotOwner | undefined {
  let newest: SlotOwner | undefined;
  for (const { owner } of testimonies) if (owner && (!newest || owner.epoch > newest.epoch)) newest = owner;
  return newest;
}

function nameOf({ host, port }: ServerAddress): string {
  return `${host}:${port}`;
}

/** Fisher and Yates' shuffle. */
function shuffle<T>(list: readonly T[]): T[] {
  const shuffled = [...list];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  return shuffled;
}
