import type { Broker } from '../../broker/broker.interface.js';
import type { ShardStart } from '../open-subscriber.interface.js';

/**
 * Where a newcomer begins on each shard to get the last events of its channels together: positions of all shards follow the
 * clocks of their servers.
 *
 * @param groups the channels by their shards
 * @param count how many events
 */
export async function findRewound(
  groups: ReadonlyMap<number, readonly string[]>,
  count: number,
  brokerOf: (shard: number) => Broker,
): Promise<Map<number, ShardStart>> {
  const found = await Promise.all(
    [...groups].map(async ([shard, channels]) =>
      (await brokerOf(shard).lastPositions(channels, count)).map((position) => ({ shard, position })),
    ),
  );
  const last = found
    .flat()
    .sort((a, b) => b.position - a.position)
    .slice(0, count);
  const starts = new Map<number, ShardStart>();
  for (const { shard, position } of last) starts.set(shard, { position: position - 1 });
  return starts;
}
