import { serveRequests, Stopwatch } from '@nestjs-sse-redis/testing/child';
import { SseRedisError } from 'nestjs-sse-redis';
import { startNewsNode } from '../http/news.process.js';
import type { NodeReply, NodeRequest } from './node-request.js';

const clock = Stopwatch.start();
const hub = await startNewsNode(['error', 'fatal', 'warn']);

/** ms in which the event loop was blocked by order. */
let blocked = 0;

/** ms in which this process ran, and could do what it was asked. */
const runningTime = () => clock.elapsed - blocked;

/** As a handler that computes does: nothing else runs meanwhile. */
function blockEventLoop(ms: number): void {
  const began = clock.elapsed;
  // By the clock from which it is left out: it takes no standstill for part of the block.
  while (clock.elapsed - began < ms);
  blocked += clock.elapsed - began;
}

async function answer(request: NodeRequest): Promise<NodeReply> {
  switch (request.kind) {
    case 'publish': {
      const began = runningTime();
      const results = await hub.publishMany(request.events);
      const ms = runningTime() - began;
      const published = results.map((result) => {
        if ('id' in result) return result;
        const { error } = result;
        return { code: error instanceof SseRedisError ? error.code : error.name, message: error.message };
      });
      return { published, ms };
    }
    case 'block':
      blockEventLoop(request.ms);
      return {};
    case 'memory':
      globalThis.gc?.();
      return { rss: process.memoryUsage().rss };
    case 'cursor':
      return { cursor: await hub.cursor() };
    default:
      throw new TypeError('No such request.');
  }
}

serveRequests((message) => answer(message as NodeRequest));
