import type { Broker } from '../../broker/broker.interface.js';
import type { Position } from '../../event/position.js';
import type { ShardStart } from '../subscribers.js';

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
      (await findLast(brokerOf(shard), channels, count)).map((position) => ({ shard, position })),
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

/** The positions of the last events of some channels together. */
async function findLast(broker: Broker, channels: readonly string[], count: number): Promise<Position[]> {
  const after = await broker.positionBefore(channels, count);
  const requests = channels.map((channel) => ({ channel, after }));
  const slices = await broker.read(requests, { records: count, bytes: Infinity });
  return slices.flatMap(({ records }) => records.map(({ position }) => position));
}
