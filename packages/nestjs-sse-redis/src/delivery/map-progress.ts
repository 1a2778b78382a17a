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

  /** The client comes with the channel, or is added to it. */
  expect(feed: Feed): void {
    if (feed.isState) this.set(feed, false);
  }

  /** The client was told that the map begins. */
  noteBegun(feed: Feed): void {
    this.set(feed, true);
  }

  /** The connection is no longer on the channel. */
  forget(feed: Feed): void {
    this.incomplete?.delete(feed);
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
