import { isHubEvent, ownIdOf, type SseBlock, type SseMessage } from '@nestjs-sse-redis/testing';
import { parseEventId, parseShard } from '../../src/event/position.js';
import type { ShardMap } from '../../src/event/shard-map.js';
import type { Reception } from './verdict.js';

/** What a client got of one shard, with the entries of that shard for ids: as if the hub had no other. */
export function toReceptionOf(shard: number, map: ShardMap, reception: Reception): Reception {
  if (map.count === 1) return reception;
  const entryIn = (id: string): string | undefined =>
    id.split(',').find((entry) => parseShard(entry.slice(entry.lastIndexOf('~') + 1)) === shard);
  const { name, channels, messages } = reception;
  const blocks = reception.blocks.flatMap((block): SseBlock[] => {
    const id = entryIn(block.id!);
    return id === undefined ? [] : [{ ...block, id }];
  });
  const isOfShard = (message: SseMessage): boolean =>
    isHubEvent(message) && message.type !== 'gap'
      ? true
      : map.of((JSON.parse(message.data) as { channel: string }).channel) === shard;
  const toOwn = (message: SseMessage): SseMessage => {
    const id = entryIn(message.id) ?? ownIdOf(message);
    return { ...message, id };
  };
  return {
    name: `${name}, shard ${shard}`,
    channels: channels.filter((channel) => map.of(channel) === shard),
    // An entry of its first id says where it began; ids of events are of their shards.
    start: blocks[0] && parseEventId(blocks[0].id!),
    messages: messages.filter(isOfShard).map(toOwn),
    blocks,
  };
}
