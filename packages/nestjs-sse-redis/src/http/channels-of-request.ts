import type { ChannelLike } from '../event/channel-reference.js';
import type { SseClient } from './sse-client.decorator.js';

/** The channels of a request: named, or computed from the adapter's request and the client. */
export type ChannelsOfRequest =
  | Channels
  // oxlint-disable-next-line typescript/no-explicit-any -- Express' and Fastify's requests have no common type
  | ((request: any, client: SseClient) => Channels | Promise<Channels>);

type Channels = ChannelLike | readonly ChannelLike[];
