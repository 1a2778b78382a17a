import { Redis } from 'ioredis';
import type { Message, Publisher } from './publisher.js';

/** `PUBLISH`, pipelined. */
export async function createPlainPublisher(url: string): Promise<Publisher> {
  const redis = new Redis(url);
  return {
    async send(messages: readonly Message[]) {
      const pipeline = redis.pipeline();
      for (const { channel, text } of messages) pipeline.publish(channel, text);
      for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
    },
  };
}
