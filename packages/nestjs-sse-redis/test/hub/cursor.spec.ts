import { Cursor } from '../../src/delivery/cursor.js';
import type { Feed } from '../../src/delivery/feed.js';

const feedOf = (channel: string) => ({ channel }) as Feed;

describe('a cursor', () => {
  const room = feedOf('room');

  // Found by the model (rule late-read).
  it('takes a channel that memory brought late for read only up to where it was added', () => {
    const cursor = new Cursor(100);
    cursor.reach(200, true);
    cursor.startAt(room, 50, true);
    // Memory had all that was announced of it: an announcement from between may have been lost.
    cursor.reach(200, false);
    cursor.markUnconfirmed(room, 80, true);
    expect(cursor.lacksAfter(room)).toBe(80);
    expect(cursor.owed(200)).toEqual([['room', 80]]);
  });

  it('takes it for read as far as the others once its log was read as far', () => {
    const cursor = new Cursor(100);
    cursor.reach(200, true);
    cursor.startAt(room, 50, true);
    cursor.reach(150, true);
    expect(cursor.lacksAfter(room)).toBe(150);
    cursor.reach(250, true);
    cursor.markUnconfirmed(room, 80, true);
    expect(cursor.owed(250)).toEqual([]);
  });

  it('owes nothing of a channel of which an event is only not known to have come', () => {
    const cursor = new Cursor(100);
    cursor.position = 200;
    cursor.markUnconfirmed(room, 80, false);
    expect(cursor.owed(200)).toEqual([]);
    cursor.noteFound(room, { position: 150 });
    expect(cursor.owed(200)).toEqual([['room', 100]]);
    expect(cursor.owed(200, room)).toEqual([]);
    expect(cursor.owed(200, undefined, 160)).toEqual([['room', 160]]);
    expect(cursor.owed(160, undefined, 160)).toEqual([]);
  });

  it('is in no doubt once the connection has left the last channel that was', () => {
    const cursor = new Cursor(100);
    cursor.startAt(room, 50, true);
    cursor.forget(room);
    expect(cursor.hasUnconfirmed).toBe(false);
  });
});
