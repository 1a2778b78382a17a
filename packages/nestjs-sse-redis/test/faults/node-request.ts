import type { ChannelEventInput } from 'nestjs-sse-redis';

/** What a test asks of a node of its deployment. */
export type NodeRequest =
  | { readonly kind: 'publish'; readonly events: readonly ChannelEventInput[] }
  | { readonly kind: 'block'; readonly ms: number }
  | { readonly kind: 'memory' }
  | { readonly kind: 'cursor' };

export interface NodeReply {
  /** One a event, in their order. */
  readonly published?: readonly PublishReply[];
  /** How long that took, times left out in which the process did not run, or its event loop was blocked by order. */
  readonly ms?: number;
  readonly rss?: number;
  readonly cursor?: string;
}

export type PublishReply = { readonly id: string } | { readonly code: string; readonly message: string };
