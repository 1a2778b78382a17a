import type { SseStream } from '@nestjs-sse-redis/testing';
import { until } from '@nestjs-sse-redis/testing';
import { ShardMap } from '../../src/event/shard-map.js';
import type { TestHub } from './hubs.js';

export const SHARDS = 3;
export const map = new ShardMap(SHARDS);

/** Channels of each shard. */
function channelsOf(count: number): string[][] {
  const found = Array.from({ length: SHARDS }, (): string[] => []);
  for (let i = 0; found.some((names) => names.length < count); i++) found[map.of(`c${i}`)]!.push(`c${i}`);
  return found.map((names) => names.slice(0, count));
}

/** Two channels of the first shard, and one of each other. */
export const [[a, a2], [b], [c]] = channelsOf(2) as [[string, string], [string], [string]];

/** The numbers that were told of a channel, in order; a gap as its channel. */
export function told({ messages }: SseStream, channel?: string): unknown[] {
  return messages.flatMap<unknown>(({ type, data }) => {
    if (type === 'gap') return [`gap ${(JSON.parse(data) as { channel: string }).channel}`];
    if (type !== 'n') return [];
    const [of, n] = JSON.parse(data) as [string, number];
    return channel === undefined || of === channel ? [n] : [];
  });
}

export async function publish({ hub }: TestHub, channel: string, n: number): Promise<string> {
  return (await hub.publish(channel, { type: 'n', data: [channel, n] })).id;
}

export function isTold(stream: SseStream, count: number): Promise<boolean> {
  return until(() => told(stream).length >= count);
}
