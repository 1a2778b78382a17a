// Where a client stands in its channels: one position, and behind it what it is owed, or may be.
import { on } from './rules.mjs';

export class Cursor {
  doubts = new Map();
  /** Channels that were added while it was open, and from where on it gets their events. */
  starts = new Map();
  /** Channels of which late events are owed for certain, and after what. Each id that is told meanwhile says so. */
  owed = new Map();

  /** Where a channel that goes on before the cursor was read up to, until logs were read as far as for the others. */
  lateReads = new Map();

  constructor(position) {
    this.position = position;
    /** Up to here logs were read, or the client had it before. */
    this.readUpTo = position;
  }

  /** What is told as the client's last id. @param event that is late */
  id(event) {
    const id = { cursor: this.position, owed: undefined, own: event?.id };
    if (on('owed-id'))
      for (const [ch, pos] of this.owed) (id.owed ??= {})[ch] = Math.max(pos, event?.id ?? 0);
    if (!event || !on('late-channel-named')) {
      if (event) delete id.owed?.[event.ch];
      return id;
    }
    (id.owed ??= {})[event.ch] = event.id;
    id.own = undefined;
    return id;
  }

  startOf(ch) {
    return Math.max(this.position, this.starts.get(ch) ?? 0);
  }

  /** After what a channel is read, and after what the client lacks its events. */
  from(ch) {
    return this.doubts.get(ch)?.from ?? this.startOf(ch);
  }

  /** A channel goes on after a position before the cursor. */
  owe(ch, after) {
    this.doubts.set(ch, { from: after, knownMissingFrom: after });
    this.owed.set(ch, after);
    if (on('late-read')) this.lateReads.set(ch, after);
  }

  /** @param upTo an event that is known to be missing, or 0 */
  doubt(ch, seen, upTo) {
    const from = Math.max(seen, this.lateReads.get(ch) ?? this.readUpTo, this.starts.get(ch) ?? 0);
    if (!on('unconfirmed') || from >= this.position) return false;
    const before = this.doubts.get(ch);
    const knownMissingFrom = before?.knownMissingFrom ?? (upTo > from ? from : undefined);
    this.doubts.set(ch, { from: Math.min(from, before?.from ?? from), knownMissingFrom });
    if (knownMissingFrom !== undefined && !this.owed.has(ch)) this.owed.set(ch, knownMissingFrom);
    return true;
  }

  /** Of what was found, some is late: until it was delivered, that is known. */
  oweLate(events) {
    for (const { ch, id } of events)
      if (id < this.position && !this.owed.has(ch)) this.owed.set(ch, this.from(ch));
  }

  /** It is delivered now, and all before it of all channels was. */
  pass(event) {
    if (event.id < this.position) this.owed.set(event.ch, event.id);
    else {
      this.position = event.id;
      this.owed.clear();
    }
  }

  /** Everything up to here was delivered; `fromLogs`: and it was all that the logs had. */
  reach(upTo, fromLogs, before) {
    if (fromLogs) this.#readLogs(upTo);
    if (upTo >= before) {
      this.doubts.clear();
      this.owed.clear();
    } else {
      for (const u of this.doubts.values()) u.from = Math.max(u.from, upTo);
      for (const [ch, pos] of this.owed) this.owed.set(ch, Math.max(pos, upTo));
    }
    this.position = Math.max(this.position, upTo);
  }

  #readLogs(upTo) {
    for (const [ch, read] of this.lateReads) {
      if (upTo >= this.readUpTo) this.lateReads.delete(ch);
      else this.lateReads.set(ch, Math.max(read, upTo));
    }
    this.readUpTo = Math.max(this.readUpTo, upTo);
  }

  forget(ch) {
    this.lateReads.delete(ch);
    this.doubts.delete(ch);
    this.starts.delete(ch);
    this.owed.delete(ch);
  }

  /** It goes back to an earlier position. What was in doubt before that stays so. */
  setBack(position) {
    this.position = position;
    this.readUpTo = Math.min(this.readUpTo, position);
    const isBeyond = (after) => after >= position;
    for (const [ch, { from }] of this.doubts) if (isBeyond(from)) this.doubts.delete(ch);
    for (const [ch, after] of this.owed) if (isBeyond(after)) this.owed.delete(ch);
    for (const [ch, read] of this.lateReads) if (isBeyond(read)) this.lateReads.delete(ch);
  }

  /** It stands elsewhere, and whatever was before is told of as a gap. */
  moveTo(position) {
    this.position = this.readUpTo = position;
    this.doubts.clear();
    this.starts.clear();
    this.owed.clear();
    this.lateReads.clear();
  }
}
