import type { SseClient } from './sse-client.decorator.js';

/** The channels of a request: named, or computed from the adapter's request and the client. */
export type ChannelsOfRequest =
  | string
  | readonly string[]
  // oxlint-disable-next-line typescript/no-explicit-any -- Express' and Fastify's requests have no common type
  | ((request: any, client: SseClient) => string | readonly string[] | Promise<string | readonly string[]>);
