import type { RedisOptions } from 'ioredis';
import type { MasterWatch } from '../master-watch.js';
import type { ClusterSettings } from './cluster-settings.js';
import { slotConnector } from './slot-connector.js';
import { SlotFinder } from './slot-finder.js';
import { isSameNode, type SlotOwner } from './slot-table.js';

/** How often nodes are asked: a master that was replaced behind a partition tells nobody. */
const ASK_EVERY_MS = 5_000;
/** Between two attempts to connect. A failover of the cluster takes seconds, and what is asked is asked of other nodes. */
const LONGEST_DELAY_MS = 500;
const FIRST_DELAY_MS = 5;
/** How many nodes messages name. */
const NAMED_NODES = 3;

/** Calls a function with the access to nodes, and again with another one where that was refused. */
type Find = (ask: (access: RedisOptions) => Promise<SlotOwner>) => Promise<SlotOwner>;

/** The connections of a hub to a cluster: both lead to the master of the slot that has the keys. */
export class ClusterConnections {
  private readonly finder: SlotFinder;
  /** The nodes that the connections lead to, by the options of each. */
  private readonly owners = new Map<RedisOptions, SlotOwner>();

  /** @param key of the hub */
  constructor(
    private readonly settings: ClusterSettings,
    key: string,
  ) {
    this.finder = new SlotFinder(settings, key);
  }

  /** For messages: nodes that the application gave. */
  get address(): string {
    const { seeds } = this.settings;
    const names = seeds.slice(0, NAMED_NODES).map(({ host, port }) => `${host}:${port}`);
    return `the cluster of ${names.join(', ')}${seeds.length > NAMED_NODES ? ', …' : ''}`;
  }

  /** The settings of a connection that are different from those for one Redis. */
  createOptions(retryStrategy: (times: number) => number): RedisOptions {
    const options: RedisOptions = {
      Connector: slotConnector(this.finder, (owner) => this.owners.set(options, owner)),
      // The first is to another node, as a rule, since the slot has moved.
      retryStrategy: (times) =>
        times === 1 ? FIRST_DELAY_MS : Math.min(retryStrategy(times), longestDelay()),
    };
    return options;
  }

  /** A node has refused: what it says of another one is where to ask first. */
  refused(error: Error | undefined): void {
    const [, host, port] = /\bMOVED \d+ (\S*):(\d+)/.exec(error?.message ?? '') ?? [];
    // As in CLUSTER SLOTS: `?` is no host, and without one it is that of the node which refused.
    if (host !== undefined && host !== '?') {
      const [asked] = this.owners.values();
      const known = host || asked?.host;
      if (known) this.finder.askFirst({ host: known, port: Number(port) });
    }
  }

  /** Ends the search for nodes. */
  close(): void {
    this.finder.close();
  }

  /**
   * Watches whether a connection leads to another node than the one that has the slot.
   *
   * @param find finds the owner, with user and password as they are by then
   * @param moved called where one does
   */
  createWatch(find: Find, moved: (cause: string) => void): MasterWatch {
    const check = async () => {
      // Where nobody answers, nothing is known.
      const owner = await find((access) => this.finder.find(access)).catch(() => undefined);
      const isElsewhere = owner && [...this.owners.values()].some((node) => !isSameNode(node, owner));
      if (isElsewhere && timer) moved(`the node ${owner.host}:${owner.port} has the slot of the hub`);
    };
    let timer: NodeJS.Timeout | undefined;
    return {
      start: () => (timer = setInterval(() => void check(), ASK_EVERY_MS).unref()),
      stop: () => (timer = clearInterval(timer) as undefined),
    };
  }
}

/** The jitter keeps processes that lost a node together from coming back together. */
function longestDelay(): number {
  return LONGEST_DELAY_MS * (0.75 + Math.random() / 2);
}
