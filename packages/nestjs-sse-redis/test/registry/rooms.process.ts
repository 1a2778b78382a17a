import { serveRequests } from '@nestjs-sse-redis/testing/child';
import { serveApp } from '@nestjs-sse-redis/testing/serve-app';
import { SseHub, SseRegistry, type SseRedisOptions } from 'nestjs-sse-redis';
import { roomsModule } from '../http/rooms.module.js';

/** A call of something of the process, as a test sends it. */
export type ProcessRequest =
  | { readonly of: 'hub' | 'registry'; readonly call: string; readonly args: readonly unknown[] }
  /** What was heard of `registry.changes` since the last time it was asked for. */
  | { readonly of: 'changes' }
  | { readonly of: 'node' };

const [, , adapter, options] = process.argv;
const app = await serveApp(roomsModule(JSON.parse(options!) as SseRedisOptions), { adapter });

const hub = app.get(SseHub);
const registry = app.get(SseRegistry);
let changes: [type: string, id: string, reason: string | undefined][] = [];
let gaps = 0;
registry.changes.subscribe((change) => {
  if (change.type === 'gap') gaps++;
  else changes.push([change.type, change.connection.id, change.reason]);
});

serveRequests(async (message) => {
  const request = message as ProcessRequest;
  if (request.of === 'node') return hub.nodeId;
  if (request.of === 'changes') {
    const heard = changes;
    changes = [];
    return { changes: heard, gaps };
  }
  const target = (request.of === 'hub' ? hub : registry) as unknown as Record<
    string,
    (...args: readonly unknown[]) => unknown
  >;
  return target[request.call]!(...request.args);
});
