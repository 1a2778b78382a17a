import type { MapNotice } from '../event/map-notice.js';
import type { Cursor } from './cursor.js';
import type { Feed } from './feed.js';

/** Where the word is told. */
interface MapWriter {
  sendMapNotice(notice: MapNotice): void;
}

/**
 * Of which state channels a client was not yet told that it has the map: those with which it came or to which it was added, and those whose
 * map began anew. A client cannot know by itself where a map that it is sent ends, nor that one it kept over a cut is that of now.
 */
export class MapProgress {
  /** With whether the map began on this connection. Most connections have no state channel. */
  private incomplete: Map<Feed, boolean> | undefined;
  /** Those of which the client was told that there is no key, and was sent none since. */
  private empty: Set<Feed> | undefined;

  /** The client comes with the channel, or is added to it. */
  expect(feed: Feed): void {
    if (feed.isState) this.set(feed, false);
  }

  /** The client was told that the map begins. @param isEmpty and that is all of it */
  noteBegun(feed: Feed, isEmpty: boolean): void {
    this.set(feed, true);
    if (isEmpty) (this.empty ??= new Set()).add(feed);
    else this.empty?.delete(feed);
  }

  /** The client was sent an event of the channel. */
  noteSent(feed: Feed): void {
    this.empty?.delete(feed);
  }

  /** Whether the client knows that there is no key. */
  isToldEmpty(feed: Feed): boolean {
    return this.empty?.has(feed) === true;
  }

  /** The connection is no longer on the channel. */
  forget(feed: Feed): void {
    this.incomplete?.delete(feed);
    this.empty?.delete(feed);
  }

  /**
   * Says which maps the client has now.
   *
   * @param isLive it has everything of every channel. A slow client may never be: one whose map began here has it once it has what the log
   * had then
   */
  report(cursor: Cursor, writer: MapWriter, isLive: boolean): void {
    for (const [feed, isBegun] of this.incomplete ?? []) {
      const isRead = cursor.mapBegunAt(feed) === undefined && cursor.lacksAfter(feed) >= cursor.position;
      if (!isLive && !(isBegun && isRead)) continue;
      this.incomplete!.delete(feed);
      writer.sendMapNotice({ channel: feed.channel, complete: true });
    }
    if (this.incomplete?.size === 0) this.incomplete = undefined;
  }

  private set(feed: Feed, isBegun: boolean): void {
    (this.incomplete ??= new Map()).set(feed, isBegun);
  }
}
