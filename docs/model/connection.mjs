// One open stream: a cursor, and the one catch-up routine, a step at a time.
import { Arrival } from './arrival.mjs';
import { Cursor } from './cursor.mjs';
import { TTL } from './redis.mjs';
import { on } from './rules.mjs';
import { gapBefore, superseding } from './slices.mjs';

export class Connection {
  state = 'behind';
  found = null;
  intact = false;

  constructor(node, client, lastId) {
    Object.assign(this, { node, client, channels: [...client.channels] });
    for (const ch of this.channels) node.listen(ch);
    const last = (node.known = Math.max(node.known, node.redis.clock()));
    this.openedAt = last;
    const left = lastId && node.redis.leftAt(lastId);
    this.cursor = new Cursor(left ?? lastId?.cursor ?? last);
    this.arrival = new Arrival(this);
    node.connections.add(this);
    if (left !== undefined) this.#comeToFork(left, lastId);
    else if (lastId && !this.fromAhead(last)) this.arrival.resume(lastId);
    if (on('id-only')) client.mark(this.id());
  }

  /** What is told as the client's last id. */
  id(event) {
    return { ...this.cursor.id(event), line: this.node.redis.line };
  }

  /** The client comes with an id of a line that is gone: it goes on where the data of the present one begin. */
  #comeToFork(left, { cursor, owed = {}, own }) {
    const earlier = Object.entries(owed).filter(([, after]) => after < left);
    this.arrival.resume({
      cursor: left,
      owed: Object.fromEntries(earlier),
      own: own < left ? own : undefined,
    });
    this.#tellFailover(
      left,
      this.channels.map((ch) => [ch, cursor]),
    );
  }

  /** Where events behind a fork were of another line, it goes back to the fork. @param lost of each channel, the newest one */
  setBack(from, lost) {
    const limit = this.arrival.isReturn ? from : Math.max(from, this.openedAt);
    const ends = this.channels.map((ch) => [ch, Math.max(lost.get(ch) ?? 0, this.arrival.reach(ch))]);
    this.arrival.setBack(limit);
    this.intact = false;
    if (this.state === 'ended') return;
    if (this.cursor.position > limit) {
      this.cursor.setBack(limit);
      this.found = null;
    }
    this.#tellFailover(
      limit,
      ends.filter(([, to]) => to > limit),
    );
  }

  /** Where it stands then is told with the last of them. */
  #tellFailover(from, ends) {
    for (const [ch, to] of ends) this.client.gap({ ch, from, to, cause: 'failover' });
    this.client.rewindTo(this.id());
  }

  get position() {
    return this.state === 'live' ? Math.max(this.cursor.position, this.node.watermark) : this.cursor.position;
  }

  /** A channel more: from now on, or (`past`) from a position before, at which the client stood; then it comes late. */
  add(ch, past) {
    // Of the channels that it is on. Of the new one nothing can have been missed before its feed is ready.
    const wasLive = this.state === 'live';
    if (wasLive) this.fallBehind();
    this.node.listen(ch);
    this.channels.push(ch);
    const now = (this.node.known = Math.max(this.node.known, this.node.redis.clock()));
    const left = past && this.node.redis.leftAt(past);
    if (left !== undefined) this.client.gap({ ch, from: left, to: past.cursor, cause: 'failover' });
    const position = left ?? past?.cursor;
    const start = position ?? now;
    if (start < this.cursor.position && on('late-channel')) this.cursor.owe(ch, start);
    else if (on('late-channel')) this.cursor.starts.set(ch, start);
    this.found = null;
    // As for a slow client: until it is live again the history may be trimmed, and a gap be due.
    this.intact = false;
    const feed = this.node.feeds.get(ch);
    if (wasLive && feed.isReady) this.doubt(ch, feed.seen, 0);
    if (past === undefined) return start;
    this.arrival.stand(ch, position);
    this.beat();
    return start;
  }

  remove(ch) {
    this.channels.splice(this.channels.indexOf(ch), 1);
    this.cursor.forget(ch);
    this.arrival.forget(ch);
    this.found = null;
    this.node.leave([ch]);
  }

  /**
   * Leaves live. Up to the cursor it had what was announced, which may be less than there was: so each channel is read
   * from where its feed has all, or logs were read, whichever is later.
   */
  fallBehind() {
    this.state = 'behind';
    for (const ch of this.channels) this.doubt(ch, this.node.feeds.get(ch).seen, 0);
  }

  doubt(ch, seen, upTo) {
    if (this.cursor.doubt(ch, seen, upTo)) this.found = null;
  }

  /** Of a channel not all was announced. @param upTo an event that was not, or 0 where there may have been none */
  missed(ch, seen, upTo) {
    this.behindSince ??= this.node.redis.now;
    if (upTo > 0) this.intact = false;
    if (this.state === 'live') this.fallBehind();
    this.doubt(ch, seen, upTo);
  }

  linkLost() {
    this.intact = false;
    // What is asked over a connection that is gone fails.
    this.found = null;
    const live = this.state === 'live';
    this.cursor.position = this.position;
    if (live) this.fallBehind();
  }

  receive(m) {
    if (this.state !== 'live' || m.id <= this.cursor.position) return;
    // Announced before the channel began here, and later on its way.
    if (m.id <= (this.cursor.starts.get(m.ch) ?? 0)) return;
    const isUnconfirmed = this.#isUnconfirmed(m);
    if (!isUnconfirmed) this.deliver(m);
    // A slow client: now and then its response is full, and it is behind until the next step.
    // Meanwhile the history may be trimmed, and a gap be due.
    if (this.state !== 'live' || !(isUnconfirmed || this.client.slow())) return;
    this.intact = false;
    this.fallBehind();
  }

  /** A cursor beyond what Redis gave out is set back, and all before it is a gap. */
  fromAhead(last) {
    if (!on('ahead') || this.cursor.position <= last) return false;
    this.cursor.moveTo(last);
    this.arrival.clear();
    this.found = null;
    // Where it stands then is told with the last of them: who is cut off before is told of them again.
    for (const [i, ch] of this.channels.entries()) {
      const isLast = i === this.channels.length - 1;
      const id = on('last-gap') && !isLast ? undefined : this.id();
      this.client.gap({ ch, to: last, cause: 'ahead', intact: this.intact, id });
    }
    this.client.rewindTo(this.id());
    return true;
  }

  deliver(event) {
    const isLate = event.id < this.cursor.position;
    this.cursor.pass(event);
    if (event.isEnd && event.isSuperseded && on('newest-end')) return;
    // Two blocks, of which the client may get the first alone, or one that says both.
    const id =
      isLate && on('one-block')
        ? this.id(event)
        : { cursor: event.id, line: this.node.redis.lineAt(event.id) };
    this.client.receive(event, id, isLate);
    if (isLate && !on('one-block') && on('id-only')) this.client.mark(this.id());
    if (event.isEnd) this.#end();
  }

  /** An end that was there before the connection: what follows it may be there as well, and on its way. */
  #isUnconfirmed({ id, isEnd, isSuperseded }) {
    return on('end-confirmed') && isEnd && !isSuperseded && id <= this.openedAt;
  }

  /** The stream of its only channel has ended. */
  #end() {
    this.state = 'ended';
    this.client.end();
  }

  deliverAll(events) {
    this.cursor.oweLate(events);
    for (const event of events.sort((x, y) => x.id - y.id)) if (this.state !== 'ended') this.deliver(event);
  }

  beat() {
    this.cursor.position = this.position;
    if (on('id-only')) this.client.mark(this.id());
  }

  step() {
    if (this.state !== 'behind' || !this.node.isUp) return;
    const feeds = this.channels.map((ch) => this.node.feeds.get(ch));
    if (!feeds.every((feed) => feed.isReady)) return;
    if (this.found) return this.#read();
    const { cursor } = this;
    // What is owed from before the cursor may still be on its way, and would be passed over when it comes.
    const isHeard = !on('late-channel') || cursor.doubts.size === 0 || this.node.heard >= cursor.position;
    const isCovered = isHeard && feeds.every((feed, i) => feed.covers(cursor.from(this.channels[i])));
    if (!isCovered || !this.#fromMemory(feeds)) this.found = { todo: [...this.channels], slices: [] };
  }

  #fromMemory(feeds) {
    const missed = feeds.flatMap((feed, i) => {
      const from = this.cursor.from(this.channels[i]);
      return superseding(feed.recent, false).filter((e) => e.id > from);
    });
    if (missed.some((e) => this.#isUnconfirmed(e))) return false;
    this.deliverAll(missed);
    if (this.state === 'ended') return true;
    Object.assign(this, { state: 'live', intact: true, behindSince: undefined });
    this.cursor.reach(this.cursor.position, false, 0);
    this.beat();
    return true;
  }

  #read() {
    const { todo, slices } = this.found;
    if (todo.length) return void slices.push(this.node.read(todo[0], this.cursor.from(todo.shift())));
    this.found = null;
    if (on('notice-before-newer')) for (const { notice } of slices) this.node.audit.learn(notice);
    // A reading may be older than what was announced since: that, too, was given out.
    const last = Math.min(...slices.map((s) => s.last));
    if (this.fromAhead(Math.max(last, this.node.known))) return;
    // No further than every one of the slices reaches.
    const reach = on('bound') ? Math.min : Math.max;
    const upTo = reach(...slices.map((s) => s.upTo));
    const events = slices.flatMap((s) => superseding(s.found, s.upTo < s.last)).filter((e) => e.id <= upTo);
    // Only a reading from since it is here tells.
    if (last < this.openedAt && events.some((e) => this.#isUnconfirmed(e))) return;
    if (this.node.redis.now - this.behindSince >= TTL) this.intact = false; // the history went on without it
    for (const slice of slices) {
      this.node.feeds.get(slice.ch).keep(this.cursor.from(slice.ch), slice, this.node.heard);
      const gap = gapBefore(slice, this.cursor);
      if (gap) this.client.gap({ ...gap, intact: this.intact && !gap.isOwed });
    }
    const before = this.cursor.position;
    this.deliverAll(events);
    if (this.state === 'ended') return;
    this.cursor.reach(upTo, true, before);
    this.beat();
  }
}
