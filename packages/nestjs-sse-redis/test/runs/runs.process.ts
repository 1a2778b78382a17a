import { serveRequests } from '@nestjs-sse-redis/testing/child';
import type { PipeItem } from 'nestjs-sse-redis';
import { setTimeout as pause } from 'node:timers/promises';
import { startNewsNode } from '../http/news.process.js';

/** Has the process start, stop or look at a run. */
export type RunRequest =
  | StartRequest
  | { readonly kind: 'stop' | 'find' | 'producers'; readonly channel: string }
  | { readonly kind: 'publish'; readonly channel: string; readonly data: string };

interface StartRequest {
  readonly kind: 'run';
  readonly channel: string;
  /** The name of the run, with which each of its tokens begins. */
  readonly label: string;
  readonly tokens: number;
  /** It goes on where it is stopped, as a model does that nobody can stop. */
  readonly isDeaf?: boolean;
  readonly onExisting?: 'join' | 'refuse' | 'replace';
}

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
  switch (request.kind) {
    case 'run':
      return run(request);
    case 'stop':
      return hub.stopRun(request.channel);
    case 'find':
      return hub.runOf(request.channel);
    case 'producers':
      return producers.get(request.channel) ?? 0;
    case 'publish':
      return hub.publish(request.channel, { data: request.data });
    default:
      throw new TypeError('No such request.');
  }
});

async function run({ channel, label, tokens, isDeaf, onExisting }: StartRequest): Promise<unknown> {
  const make = (signal: AbortSignal) => {
    producers.set(channel, (producers.get(channel) ?? 0) + 1);
    return produce(label, tokens, isDeaf ? undefined : signal);
  };
  const { id, isNew } = await hub.run(channel, make, onExisting && { onExisting });
  return { id, isNew };
}
