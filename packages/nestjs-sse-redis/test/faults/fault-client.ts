import type { SseMessage } from '@nestjs-sse-redis/testing';
import { ProductClient } from './product-client.js';
import type { LoggedEvent, Reception } from './verdict.js';
import { WatchedClient } from './watched-client.js';

/** A client that keeps all that it received, and to which faults happen. */
export interface FaultClient extends Reception {
  /** When each event of the application came first, by its own id, in ms of `performance.now()`. */
  readonly arrivals: ReadonlyMap<string, number>;
  readonly connections: number;
  readonly messages: readonly SseMessage[];
  /** What was published, as it came. */
  readonly eventsReceived: readonly LoggedEvent[];
  /** Resolves when it knows where it stands: what is published from then on is expected of it. */
  placed(): Promise<unknown>;
  /** Breaks its connection. */
  drop(): void;
  /** Breaks its connection, and keeps it from coming back. */
  leave(): void;
  comeBack(): void;
  /** Reads nothing. @returns a function that lets it go on */
  pause(): () => void;
  stop(): Promise<void>;
}

/** `raw`: reads the stream by the text of the standard. `client`: `nestjs-sse-redis-client`. `forgetful`: that without its position. */
export type FaultClientKind = 'raw' | 'client' | 'forgetful';

/** `FAULT_CLIENT=client` chooses the client of pages in place of the raw one. */
export const CHOSEN_CLIENT: FaultClientKind = process.env['FAULT_CLIENT'] === 'client' ? 'client' : 'raw';

/** @param pickUrl of the node to connect to, asked each time */
export function connectClient(
  kind: FaultClientKind,
  name: string,
  channels: readonly string[],
  pickUrl: () => string,
): FaultClient {
  if (kind === 'raw') return new WatchedClient(name, channels, pickUrl);
  return new ProductClient(name, channels, pickUrl, kind === 'forgetful');
}
