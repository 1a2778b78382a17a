import type { ServerAddress } from '../../../options/redis-cluster-options.interface.js';

/** A master and its slots, as a node tells of it. */
export interface SlotOwner extends ServerAddress {
  /** The name of the node in the cluster; empty where it is not told. */
  readonly id: string;
  /** Of two nodes that claim a slot, the one with the greater epoch has it. */
  readonly epoch: number;
}

/** What a node answers to CLUSTER SLOTS: `[first, last, [host, port, id, [key, value, …]], …replicas]` of each range. */
type SlotRange = readonly [first: number, last: number, master: MasterEntry];
type MasterEntry = readonly [host: string | null, port: number, id?: string, metadata?: readonly string[]];

/**
 * The owner of a slot, in the words of one node.
 *
 * @param slots its answer to CLUSTER SLOTS
 * @param nodes its answer to CLUSTER NODES; empty where the host of the cluster refuses that
 * @param asked where the node itself was reached: a node that does not know its own address tells none
 * @returns undefined where nobody has the slot
 */
export function findOwner(
  slot: number,
  slots: unknown,
  nodes: string,
  asked: ServerAddress,
): SlotOwner | undefined {
  const ranges = Array.isArray(slots) ? (slots as SlotRange[]) : [];
  const range = ranges.find(([first, last]) => first <= slot && slot <= last);
  const [host, port, id = '', metadata = []] = range?.[2] ?? [];
  if (port === undefined) return undefined;
  return { host: toHost(host, metadata) ?? asked.host, port, id, epoch: epochOf(id, nodes) };
}

/**
 * What `cluster-preferred-endpoint-type` of Redis 7 makes a node tell: null, or nothing, stands for the host that was asked, as
 * behind a load balancer, even if its address is told as well. `?` stands for a host name that nobody has set.
 *
 * @see https://redis.io/docs/latest/commands/cluster-slots/
 */
function toHost(host: string | null | undefined, metadata: readonly string[]): string | undefined {
  if (host !== '?') return host || undefined;
  const at = metadata.indexOf('ip');
  return at === -1 ? undefined : metadata[at + 1] || undefined;
}

/** A node may be told of by several addresses: the name in the cluster counts, where it is told. */
export function isSameNode(one: SlotOwner, other: SlotOwner): boolean {
  if (one.id !== '' && other.id !== '') return one.id === other.id;
  return one.host === other.host && one.port === other.port;
}

/** Lines of `id ip:port@busport,hostname flags master ping-sent pong-received epoch link-state slots…`. */
function epochOf(id: string, nodes: string): number {
  const line = id === '' ? undefined : nodes.split('\n').find((one) => one.startsWith(`${id} `));
  return Number(line?.split(' ')[6]) || 0;
}

/** The other masters and replicas that a node knows of, as places to ask. */
export function findNodes(slots: unknown, asked: ServerAddress): ServerAddress[] {
  if (!Array.isArray(slots)) return [];
  const found = new Map<string, ServerAddress>();
  for (const [, , ...entries] of slots as (readonly [number, number, ...MasterEntry[]])[]) {
    for (const [name, port, , metadata = []] of entries) {
      const host = toHost(name, metadata) ?? asked.host;
      found.set(`${host}:${port}`, { host, port });
    }
  }
  return [...found.values()];
}
