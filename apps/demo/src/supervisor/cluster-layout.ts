import { randomBytes } from 'node:crypto';

export const MASTERS = 3;
const SLOTS = 16_384;

/**
 * The file `nodes.conf` of each node: three masters, then a replica of each. A cluster that starts with it needs no
 * CLUSTER MEET, and no time for gossip.
 *
 * @see https://redis.io/docs/latest/commands/cluster-nodes/ for the lines
 */
export function layOut(ports: readonly number[]): { ids: string[]; files: string[] } {
  const ids = ports.map(() => randomBytes(20).toString('hex'));
  const line = (port: number, i: number, isMyself: boolean): string => {
    const shard = i % MASTERS;
    const isMaster = i < MASTERS;
    const flags = `${isMyself ? 'myself,' : ''}${isMaster ? 'master' : 'slave'}`;
    const text = `${ids[i]} 127.0.0.1:${port}@${port + 10_000} ${flags} ${isMaster ? '-' : ids[shard]} 0 0 ${shard + 1} connected`;
    return isMaster ? `${text} ${firstSlot(shard)}-${firstSlot(shard + 1) - 1}` : text;
  };
  const files = ports.map((_, myself) => {
    const lines = ports.map((port, i) => line(port, i, i === myself));
    return [...lines, `vars currentEpoch ${MASTERS} lastVoteEpoch 0`, ''].join('\n');
  });
  return { ids, files };
}

function firstSlot(shard: number): number {
  return Math.floor((shard * SLOTS) / MASTERS);
}
