import { announceReady, serveRequests } from '@nestjs-sse-redis/testing/child';
import type { ChannelEventInput } from '../../src/publisher/index.js';
import { createPublisher, type PublisherOptions } from '../../src/publisher/index.js';

const publisher = createPublisher(JSON.parse(process.argv[2]!) as PublisherOptions);

export type WorkerRequest = { readonly publish: readonly ChannelEventInput[] } | { readonly close: true };

export type WorkerResult = { readonly id: string } | { readonly code: string; readonly message: string };

serveRequests(async (message) => {
  const request = message as WorkerRequest;
  if ('close' in request) return publisher.close();
  const results = await publisher.publishMany(request.publish);
  return results.map((result): WorkerResult => {
    if ('id' in result) return result;
    return { code: (result.error as Error & { code: string }).code, message: result.error.message };
  });
});
announceReady(1);
