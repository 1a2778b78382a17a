import type { ConnectOptions } from '../hub/hub.types.js';
import type { RunOptions } from '../runs/run.types.js';
import type { SseClient } from './sse-client.decorator.js';

/** The key of what `@SseRun()` keeps with each of its three handlers. */
export const SSE_RUN = Symbol('SSE_RUN');

/** The channel of a request: named, or computed from the adapter's request and the client. */
export type RunChannelOfRequest =
  | string
  // oxlint-disable-next-line typescript/no-explicit-any -- Express' and Fastify's requests have no common type
  | ((request: any, client: SseClient) => string | Promise<string>);

/** Options of `@SseRun()`: those of the run, and of the connections to it. */
export interface SseRunOptions extends RunOptions, Omit<ConnectOptions, 'from' | 'rewind'> {}

/** What a handler of `@SseRun()` does. */
export interface RunRoute {
  readonly role: 'start' | 'resume' | 'stop';
  readonly channel: RunChannelOfRequest;
  readonly run: RunOptions;
  readonly connect: ConnectOptions;
}
