import type { SseMessage } from '@nestjs-sse-redis/testing';
import type { LoggedEvent, Reception } from './verdict.js';

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
