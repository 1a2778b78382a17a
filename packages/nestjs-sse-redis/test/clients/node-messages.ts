import type { ChannelEventInput } from 'nestjs-sse-redis';

/** What the test asks of an application process. */
export type NodeRequest =
  | { readonly kind: 'publish'; readonly events: readonly ChannelEventInput[] }
  | { readonly kind: 'history'; readonly channel: string }
  | { readonly kind: 'gate'; readonly open: boolean }
  | { readonly kind: 'disconnect'; readonly channel: string; readonly reason: string };

/** A request for a stream, as an application process reports it: when it comes, and when it has been answered. */
export interface Visit {
  /** `<fleet>/<client>`: who asked. */
  readonly who: string;
  /** Absent until the response has ended. */
  readonly status?: number;
}
