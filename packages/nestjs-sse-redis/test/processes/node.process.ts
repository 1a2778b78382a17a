import { serveRequests } from '@nestjs-sse-redis/testing/child';
import type { ChannelEventInput } from 'nestjs-sse-redis';
import { startNewsNode } from '../http/news.process.js';

const hub = await startNewsNode(['error', 'fatal']);

export interface NodeRequest {
  readonly publish?: ChannelEventInput[];
}

serveRequests(async (message) => {
  const { publish = [] } = message as NodeRequest;
  const results = await hub.publishMany(publish);
  return results.map((result) => ('id' in result ? result : { error: result.error.message }));
});
