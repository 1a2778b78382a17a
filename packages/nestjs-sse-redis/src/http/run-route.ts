import type { ChannelDefinitionFields } from '../channels/channel-definition.js';
import type { ChannelLike } from '../event/channel-reference.js';
import type { ConnectOptions } from '../hub/hub.types.js';
import type { RunOptions } from '../runs/run.types.js';
import type { SseClient } from './sse-client.decorator.js';

/** The key of what a decorator such as `@SseRun()` keeps with each of its three handlers. */
export const SSE_RUN = Symbol('SSE_RUN');

/**
 * The channel of a request: named, computed from the adapter's request and the client, or a definition, whose parameters are those of
 * the route's path.
 */
export type RunChannelOfRequest =
  | ChannelLike
  | ChannelDefinitionFields
  // oxlint-disable-next-line typescript/no-explicit-any -- Express' and Fastify's requests have no common type
  | ((request: any, client: SseClient) => ChannelLike | Promise<ChannelLike>);

/** Options of `@SseRun()`: those of the run, and of the connections to it. */
export interface SseRunOptions extends RunOptions, Omit<ConnectOptions, 'from' | 'rewind'> {}

/** What a handler of a run does. */
export interface RunRoute {
  readonly role: 'start' | 'resume' | 'stop';
  readonly channel: RunChannelOfRequest;
  /** A client that has not read a run to its end may come for the rest. Else a run that is over is none. */
  readonly isResumedAfterEnd: boolean;
}
