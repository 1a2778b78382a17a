import { randomBytes } from 'node:crypto';

const SLOTS = 16_384;

interface Layout {
  id: string;
  port: number;
  /** Of a replica: its master. */
  master?: Layout;
  /** Of a master. A replica votes with the epoch of its master. */
  epoch: number;
  slots?: string;
  /** Of a master and its replicas together. */
  shard: string;
}

/**
 * The file `nodes.conf` of each node, with all nodes, masters first: a cluster that starts with it needs no CLUSTER MEET.
 *
 * @param hasShards nodes have ids of shards, as from 7.2 on
 */
export function toNodesConfs(
  ports: number[],
  masters: number,
  hasShards: boolean,
): { ids: string[]; confs: string[] } {
  const layouts: Layout[] = [];
  for (const [i, port] of ports.entries()) layouts.push(toLayout(i, port, masters, layouts));
  const confs = layouts.map((myself) =>
    [
      ...layouts.map((one) => toLine(one, one === myself, hasShards)),
      `vars currentEpoch ${masters} lastVoteEpoch 0`,
      '',
    ].join('\n'),
  );
  return { ids: layouts.map(({ id }) => id), confs };
}

function toLayout(i: number, port: number, masters: number, before: Layout[]): Layout {
  const id = randomBytes(20).toString('hex');
  const master = i < masters ? undefined : before[i % masters]!;
  if (master) return { id, port, master, epoch: master.epoch, shard: master.shard };
  const [first, next] = [i, i + 1].map((n) => Math.floor((n * SLOTS) / masters)) as [number, number];
  const shard = randomBytes(20).toString('hex');
  return { id, port, epoch: i + 1, slots: `${first}-${next - 1}`, shard };
}

function toLine(
  { id, port, master, epoch, slots, shard }: Layout,
  isMyself: boolean,
  hasShards: boolean,
): string {
  const flags = `${isMyself ? 'myself,' : ''}${master ? 'slave' : 'master'}`;
  const aux = hasShards ? `,,shard-id=${shard}` : '';
  const line = `${id} 127.0.0.1:${port}@${port + 10_000}${aux} ${flags} ${master?.id ?? '-'} 0 0 ${epoch} connected`;
  return slots ? `${line} ${slots}` : line;
}
