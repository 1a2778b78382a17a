// A page: what it has got, what it was told, and the id with which it comes back.
import { Connection } from './connection.mjs';

/** A channel that is joined and left while streams are open. */
export const JOINED = 'd';

export class Client {
  got = [];
  gaps = [];
  lastId = undefined;
  connection = null;
  errors = [];
  /** The highest id that it got: only what is late comes after it. */
  top = 0;
  /** The position at which it began. */
  beganAt = 0;
  /** From which publish on the events of a channel are owed to it. */
  owed = new Map();
  /** It was put on a channel from a position before, and was not told any id since that would say so. */
  unconfirmed = false;
  /** Its stream has ended: an EventSource is closed then, and does not come back. */
  done = false;
  /** The nodes that it was at. */
  visited = new Set();
  /** How many events came late, and how often it came back between them: to see what a run covers. */
  late = 0;
  lateReturns = 0;
  /** Blocks that were written, and that it has not read: when it drops, it never will. */
  wire = [];

  constructor(channels, slow) {
    Object.assign(this, { channels, slow });
  }

  /** It reads some of what was written. */
  read(count = Infinity) {
    for (const take of this.wire.splice(0, count)) take();
  }

  /** It is put on a channel while its stream is open. @param publishes how many there were */
  add(ch, publishes, past) {
    this.channels.push(ch);
    // Where it stood there, it is owed all since; otherwise what is published from now on.
    if (past === undefined) this.owed.set(ch, publishes);
    else this.unconfirmed = true;
    this.begunOn = past === undefined ? this.connection : undefined;
    this.joinedAt = this.connection.add(ch, past);
    if (past !== undefined) this.wire.push(() => (this.unconfirmed = false));
  }

  /**
   * It is taken off. Where it goes on when it is put there again: not at its position, since what is owed to it of the
   * channel may come late, and not have come yet.
   */
  remove(ch) {
    // What is on its way would come all the same.
    this.read();
    this.channels.splice(this.channels.indexOf(ch), 1);
    this.connection.remove(ch);
    const { redis } = this.connection.node;
    const own = this.got.filter(
      (g) => g.ch === ch && redis.leftAt({ cursor: g.id, line: g.line }) === undefined,
    );
    const cursor = Math.max(this.joinedAt, ...own.map(({ id }) => id));
    return { cursor, line: redis.line };
  }

  /** @param id that it has then */
  receive(event, id, isLate) {
    const { redis } = this.connection.node;
    const line = redis.lineAt(event.id);
    this.wire.push(() => {
      // What is made good for late: in order in its channel then, not across channels.
      const isPresent = (g) => redis.leftAt({ cursor: g.id, line: g.line }) === undefined;
      const before = isLate ? this.got.findLast((g) => g.ch === event.ch && isPresent(g)) : undefined;
      const last = isLate ? (before?.id ?? 0) : this.top;
      if (last >= event.id) this.errors.push(`order: ${event.id} after ${last}`);
      // On the stream on which it was put there, a channel begins at now.
      if (
        this.begunOn === this.connection &&
        event.n >= 0 &&
        event.n < (this.owed.get(event.ch) ?? 0) &&
        line === 0
      )
        this.errors.push(`early ${event.ch}${event.id}`);
      this.top = Math.max(this.top, event.id);
      this.got.push({ ...event, line });
      if (isLate) this.late++;
      this.lastId = id;
    });
  }

  mark(id) {
    this.wire.push(() => (this.lastId = id));
  }

  rewindTo(id) {
    this.wire.push(() => {
      this.lastId = id;
      this.top = 0;
    });
  }

  /**
   * @param gap from: after what something may be missing; to: where it ends, for one that is not told where it is missing;
   *   intact: the client is known to have missed nothing; id: that it has then, if the block has one
   */
  gap({ ch, from = -Infinity, to, cause, intact = false, id, ...rest }) {
    this.wire.push(() => {
      this.gaps.push({ ch, at: this.got.length, from, to, cause, ...rest });
      if (intact) this.errors.push(`gap told to a client that missed nothing: ${ch}`);
      if (id === undefined) return;
      this.lastId = id;
      this.top = 0;
    });
  }

  end() {
    this.wire.push(() => (this.done = true));
  }

  /** @param publishes how many there were */
  open(node, publishes) {
    this.startedAt ??= publishes;
    this.openedAt = publishes;
    const isNew = this.lastId === undefined;
    this.visited.add(node);
    if (this.lastId?.owed || this.lastId?.own) this.lateReturns++;
    this.connection = new Connection(node, this, this.lastId);
    if (isNew) this.beganAt = this.connection.openedAt;
  }

  drop() {
    if (!this.connection) return;
    // It has not read where it stands: it begins anew.
    if (this.lastId === undefined && this.wire.length > 0) this.startedAt = undefined;
    this.wire = [];
    // It cannot know that it was put there, so it puts itself there again.
    if (this.unconfirmed && this.channels.includes(JOINED)) this.left = this.remove(JOINED);
    this.unconfirmed = false;
    const { node, channels } = this.connection;
    node.connections.delete(this.connection);
    node.leave(channels);
    this.connection = null;
  }
}
