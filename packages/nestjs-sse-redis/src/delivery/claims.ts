import type { Position } from '../event/position.js';
import type { Feed } from './feed.js';

/**
 * The positions with which a client came to its channels: it claims to have everything before them. A client of another node
 * may claim events that this node finds to have been lost there.
 */
export class Claims {
  /** Channels with a claim of their own, where there are any. Undefined: the client came to the channel with none. */
  private byFeed: Map<Feed, Position | undefined> | undefined = undefined;

  /** @param claimed of all channels without a claim of their own; undefined: none */
  constructor(private readonly claimed: Position | undefined) {}

  get isEmpty(): boolean {
    return this.claimed === undefined && this.byFeed === undefined;
  }

  get(feed: Feed): Position | undefined {
    return this.byFeed?.has(feed) ? this.byFeed.get(feed) : this.claimed;
  }

  set(feed: Feed, position: Position | undefined): void {
    (this.byFeed ??= new Map()).set(feed, position);
  }

  delete(feed: Feed): void {
    this.byFeed?.delete(feed);
  }
}
