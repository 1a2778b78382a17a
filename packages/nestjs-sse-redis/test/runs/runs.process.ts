import { serveRequests } from '@nestjs-sse-redis/testing/child';
import type { PipeItem } from 'nestjs-sse-redis';
import { setTimeout as pause } from 'node:timers/promises';
import { startNewsNode } from '../http/news.process.js';

/** Has the process start, stop or look at a run. */
export type RunRequest =
  | {
      readonly kind: 'run';
      readonly channel: string;
      /** The name of the run, with which each of its tokens begins. */
      readonly label: string;
      readonly tokens: number;
      /** It goes on where it is stopped, as a model does that nobody can stop. */
      readonly isDeaf?: boolean;
      readonly onExisting?: 'join' | 'refuse' | 'replace';
    }
  | { readonly kind: 'stop' | 'find' | 'producers'; readonly channel: string };

/** Tokens come in bursts, as they do over a network. */
const BURST = 20;
const PAUSE_MS = 10;

const hub = await startNewsNode(['fatal']);
/** The sources that were made here, of each channel. */
const producers = new Map<string, number>();

async function* produce(
  label: string,
  tokens: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<PipeItem> {
  for (let i = 0; i < tokens; i++) {
    if (i % BURST === 0) await pause(PAUSE_MS, undefined, { signal });
    yield `${label}:${i}`;
  }
}

serveRequests(async (message) => {
  const request = message as RunRequest;
  const { channel } = request;
  if (request.kind !== 'run') {
    if (request.kind === 'producers') return producers.get(channel) ?? 0;
    return request.kind === 'stop' ? hub.stopRun(channel) : hub.runOf(channel);
  }
  const { label, tokens, isDeaf, onExisting } = request;
  const make = (signal: AbortSignal) => {
    producers.set(channel, (producers.get(channel) ?? 0) + 1);
    return produce(label, tokens, isDeaf ? undefined : signal);
  };
  const { id, isNew } = await hub.run(channel, make, onExisting && { onExisting });
  return { id, isNew };
});
