import { isAfter, ownIdOf, START, toCursor, toLeast } from './event-id.js';

/** Longer ids name many channels that are owed events, and may not name all of them (docs/delivery.md). */
const LONGEST_ID = 1_000;

/** What a stream knows of one channel. */
export class TrackedChannel {
  /** Somebody needs it. */
  wanted = false;
  /** The route put it on the present stream. */
  isOfRoute = false;
  /** It is on the present stream. Undefined: a request was sent, and its outcome is not known. */
  on: boolean | undefined = false;
  /** The ids of the stream say what the page has of this channel, too. */
  covered = false;
  /** Its events have come on the present stream before that has said which channels it has. */
  isEarly = false;
  /** It is to be taken off, and put back after `after`. */
  rewinds = false;
  /** The number of the change until which its events are dropped: they come again, or nobody needs them. */
  mutedUntil = 0;
  /** The number of the last change that named it. */
  change = 0;
  /** All of its events since this id were handed over; undefined where that is not known. */
  private begin: string | undefined;
  /** The own id of the last of them. */
  private last: string | undefined;

  /** @param after from where it goes on when it is put on a stream; undefined: from then on */
  constructor(
    readonly name: string,
    public after?: string,
  ) {}

  get isMuted(): boolean {
    return this.rewinds || this.mutedUntil > 0;
  }

  /** The ids of the stream are beyond what the page has of it: it is of the route, and begins anew. */
  get isBehind(): boolean {
    return this.isOfRoute && (this.isMuted || (!this.covered && this.on !== false));
  }

  /** @param after as `EventStream.add` takes it */
  want(after: string | undefined): void {
    const isNew = !this.wanted;
    this.wanted = true;
    // What comes from now on may be behind events that this holder asks for.
    this.isEarly &&= after === undefined;
    if (this.on === false) {
      if (isNew) this.after = after;
      else if (after !== undefined) this.goBackTo(after);
      // Events may come before the stream says which channels it has.
      if (this.isOfRoute && after !== undefined && this.lacks(after)) this.rewinds = true;
    } else if (isNew && this.on === undefined && !this.isOfRoute) {
      // It was about to be taken off.
      this.after = after;
      this.rewinds = true;
    } else if (after !== undefined && (this.rewinds || this.lacks(after))) {
      this.goBackTo(after);
      this.rewinds = true;
    }
  }

  /** An event has come before the stream has said which channels it has. @returns whether it may skip what came before it */
  rewindsEarly(): boolean {
    if (!this.isOfRoute && this.after !== undefined && !this.isEarly) this.rewinds = true;
    this.isEarly = true;
    return this.rewinds;
  }

  /** Nobody needs it. */
  unwant(): void {
    this.wanted = false;
    // What was dropped to come again does so for the page, where the route names the channel, or may do so; else it will not.
    if (this.isMuted) this.begin = undefined;
    this.rewinds &&= this.isOfRoute || this.on === false;
  }

  /** @param id of the stream with an event of the channel that is handed over */
  note(id: string): void {
    this.last = this.after = ownIdOf(id);
  }

  /** The server sends the whole map of a state channel: what came before counts no longer. */
  restart(): void {
    this.after = this.begin = START;
    this.last = undefined;
  }

  /** It is being put on the stream, after `after`. */
  begins(): void {
    this.begin = this.after;
    this.last = undefined;
  }

  /** It is on the stream still, from this id on. */
  stay(id: string): void {
    this.after = this.begin = id;
    this.last = undefined;
    this.on = this.covered = true;
    this.rewinds = false;
    this.mutedUntil = 0;
  }

  /** From where it goes on if the stream were over now. @param id what the page has of it */
  resume(id: string): { readonly after: string | undefined; readonly covered: boolean } {
    const covered = this.covered && !this.isMuted && id !== '' && id.length < LONGEST_ID;
    return { after: covered ? id : this.after, covered };
  }

  /** The stream is over. @param id what the page has of it */
  leave(id: string): void {
    if (this.covered && !this.isMuted) {
      if (id !== '' && id.length < LONGEST_ID) this.after = id;
    } else {
      // The next stream brings a channel of its route from where the stream is, which says nothing of this one.
      this.begin = undefined;
      this.rewinds = this.isBehind || (this.wanted && this.isOfRoute);
    }
    this.on = this.covered = false;
    this.mutedUntil = 0;
  }

  /**
   * A new stream has begun.
   *
   * @param id from where on it brings the channels of its route
   * @param isFirst it was asked for without an id: of state channels it brings the map
   */
  meet(isOfRoute: boolean, id: string, isFirst: boolean): void {
    if (isOfRoute && isFirst && this.after === START) this.begin = START;
    else if (isOfRoute) {
      // Others go on from where the stream began.
      if (this.rewinds && id !== '') this.goBackTo(id);
      if (this.begin === undefined || !this.isOfRoute) this.begin = id;
      this.rewinds ||= this.wanted && this.after !== undefined && this.lacks(this.after);
    }
    if (!isOfRoute) this.rewinds = false;
    this.isOfRoute = this.on = this.covered = isOfRoute;
  }

  /** Others asked for other events, which have not come yet. An id that names channels does not say whether this is one of them. */
  private goBackTo(after: string): void {
    const current = this.after ?? after;
    const [one, other] = [toLeast(current), toLeast(after)];
    if (current === after) this.after = after;
    else this.after = isAfter(one, other) ? other : one;
  }

  private lacks(after: string): boolean {
    const { begin, last } = this;
    if (begin === undefined || (last !== undefined && isAfter(last, after))) return true;
    // The late event that the id of a stream begins with may be another channel's.
    return begin !== after && isAfter(toCursor(begin), after);
  }
}
