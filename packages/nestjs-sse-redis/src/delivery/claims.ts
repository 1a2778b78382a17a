import type { Position } from '../event/position.js';
import type { Feed } from './feed.js';
import type { Beginning } from './losses/loss.js';

/**
 * The positions with which a client came to its channels: it claims to have everything before them. A client of another node
 * may claim events that this node finds to have been lost there.
 */
export class Claims {
  /** Channels with a claim of their own, where there are any. Undefined: the client came to the channel with none. */
  private byFeed: Map<Feed, Position | undefined> | undefined = undefined;

  /** Channels that the client was given while it was connected. */
  private beganAt: Map<Feed, Position> | undefined = undefined;
  /** Channels of which its id says that it lacks events. */
  private owed: Set<Feed> | undefined = undefined;

  /** @param claimed of all channels without a claim of their own; undefined: none */
  constructor(private claimed: Position | undefined) {}

  /** The client was somewhere before it came here. */
  get isReturn(): boolean {
    return this.claimed !== undefined;
  }

  get(feed: Feed): Position | undefined {
    return this.byFeed?.has(feed) ? this.byFeed.get(feed) : this.claimed;
  }

  set(feed: Feed, position: Position | undefined): void {
    (this.byFeed ??= new Map()).set(feed, position);
  }

  /** The client came with an id that says that it lacks events of the channel. */
  setOwed(feed: Feed): void {
    this.set(feed, undefined);
    (this.owed ??= new Set()).add(feed);
  }

  isOwed(feed: Feed): boolean {
    return this.owed?.has(feed) === true;
  }

  /** The client was given a channel while it was connected, from this position on. */
  begin(feed: Feed, position: Position): void {
    (this.beganAt ??= new Map()).set(feed, position);
  }

  began(feed: Feed): Position | undefined {
    return this.beganAt?.get(feed);
  }

  /** Where the client began on a channel. @param beganAt where it began here */
  getBeginning(feed: Feed, beganAt: Position): Beginning {
    const claimed = this.get(feed);
    const position = claimed ?? this.began(feed) ?? beganAt;
    return { position, isReturn: claimed !== undefined, isOwed: this.isOwed(feed) };
  }

  /** Up to where the client may have had events of a channel when it came. */
  reach(feed: Feed): Position {
    return Math.max(this.claimed ?? 0, this.byFeed?.get(feed) ?? 0);
  }

  /** The client goes back to a position, and was told of what it had from there on. */
  setBack(position: Position): void {
    if (this.claimed !== undefined) this.claimed = Math.min(this.claimed, position);
    for (const [feed, claimed] of this.byFeed ?? [])
      if (claimed !== undefined && claimed > position) this.byFeed!.set(feed, position);
  }

  delete(feed: Feed): void {
    this.byFeed?.delete(feed);
    this.owed?.delete(feed);
    this.beganAt?.delete(feed);
  }
}
