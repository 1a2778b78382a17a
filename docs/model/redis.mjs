// Redis: the clock, the logs, who is subscribed. Each method is one atomic script.
import { hasShortLived, on } from './rules.mjs';

/** How long an event is retained, in ms. */
export const TTL = hasShortLived ? 120 : 60;
/** The same of a channel whose events are forgotten earlier, where there is one. */
const SHORT_TTL = 5;
const ttlOf = (ch) => (hasShortLived && ch === 'a' ? SHORT_TTL : TTL);
/** How much longer a log is kept than is claimed: until audits have found what was lost of it. */
const MARGIN = 40;
/** After which time without any position a reading of the clock gives one out, in ms: longer than between two probes. */
const IDLE = 30;
export const MAXLEN = 8;
/** How many events one reading of a log returns. */
const SLICE = 4;
/** Over which nodes tell each other of announcements that were lost. */
export const NOTICES = 'notices';

export class Redis {
  now = 1000;
  last = null;
  since = null;
  logs = new Map();
  /** The newest event of each log that is forgotten before others. */
  tombstones = new Map();
  /** Such a log was forgotten. */
  hasForgotten = false;
  links = new Set();
  lostByRedis = new Set();
  /** The number of the line that this data set is on, and where it began each: ids have the number of theirs. */
  line = 0;
  forks = [];
  /** It has a successor, lives on, and does not know. */
  isReplaced = false;
  /** The log of NOTICES. */
  notices = [];

  tick(ms) {
    this.now += ms;
    for (const [ch, log] of this.logs) {
      if (log.expires > this.now) continue;
      this.logs.delete(ch);
      this.hasForgotten ||= ttlOf(ch) < TTL;
    }
  }

  #init() {
    if (this.last === null) this.last = this.since = this.now * 1000;
  }

  #next() {
    this.#init();
    return (this.last = Math.max(this.now * 1000, this.last + 1));
  }

  #announce(ch, message) {
    for (const link of this.links) if (link.subscribed.has(ch)) link.queue.push(message);
  }

  /** The last position. One that is old, since nobody was here, would make what follows it look like a gap. */
  clock() {
    this.#init();
    if (this.last < (this.now - IDLE) * 1000 && on('idle-clock')) this.#next();
    return this.last;
  }

  /** id, prev, append, announce. `n`: which publish this is, for the ledger alone; none: a probe. */
  publish(ch, n, { ephemeral = false, isEnd = false } = {}) {
    const id = this.#next();
    let log = this.logs.get(ch);
    const isNew = !log; // then `prev` is no event, but a bound
    const tombstone = this.#tombstone(ch);
    const prev = log ? log.entries.at(-1).id : Math.max((this.now - TTL) * 1000, this.since, tombstone);
    if (n !== undefined && !ephemeral) {
      if (!log) this.logs.set(ch, (log = { entries: [], tombstone }));
      log.entries.push({ ch, id, prev, bound: isNew, n, isEnd });
      if (log.entries.length > MAXLEN) log.entries.shift();
      // An event of the very millisecond that is `now - TTL` would be untold, and what an audit has still to find.
      log.expires = this.now + ttlOf(ch) + (on('expiry-margin') ? MARGIN : 0);
      if (ttlOf(ch) < TTL) this.tombstones.set(ch, id);
    }
    this.#announce(ch, { ch, id, prev, bound: isNew, n, ephemeral, isEnd });
    return id;
  }

  #tombstone(ch) {
    return on('tombstone') ? (this.tombstones.get(ch) ?? 0) : 0;
  }

  /** Tells all nodes of a lost announcement. Its own position is where ids that were told without knowing of it end. */
  publishNotice(notice) {
    const until = this.#next();
    this.notices.push({ ...notice, until });
    this.#announce(NOTICES, { ch: NOTICES, id: until });
    return until;
  }

  get newestNotice() {
    return this.notices.at(-1)?.until ?? 0;
  }

  /**
   * From where on nothing is missing in a log: claimed, and in truth (`keptFrom`). `isEvent`: it is the position of an
   * event that was trimmed, no bound.
   */
  bounds(ch) {
    this.#init();
    const log = this.logs.get(ch);
    const first = log?.entries[0];
    const forgotten = log ? log.tombstone : this.#tombstone(ch);
    const claimed = first ? (on('prev') ? first.prev : 0) : Math.max((this.now - TTL) * 1000, forgotten);
    const kept = first && !first.bound ? claimed : claimed - (on('expiry-margin') ? MARGIN - 1 : 0) * 1000;
    const since = on('since') ? this.since : 0;
    return {
      logStart: Math.max(claimed, since),
      keptFrom: Math.max(kept, since, forgotten),
      isEvent: first?.bound === false && claimed >= since,
    };
  }

  /** Some entries of one log after a cursor, and how far they reach. */
  read(ch, after) {
    const rest = (this.logs.get(ch)?.entries ?? []).filter((e) => e.id > after);
    const found = rest.slice(0, SLICE);
    const upTo = rest.length > SLICE ? found.at(-1).id : this.clock();
    return { ch, found, upTo, last: this.last, notice: this.newestNotice, ...this.bounds(ch) };
  }

  /** The newest of each log, or 0. */
  newest(channels) {
    return channels.map((ch) => this.logs.get(ch)?.entries.at(-1).id ?? 0);
  }

  has(ch, id) {
    return this.logs.get(ch)?.entries.some((e) => e.id === id) ?? false;
  }

  /** What a log has, or had, between two positions. */
  between(ch, after, upTo) {
    const entries = (this.logs.get(ch)?.entries ?? []).filter((e) => e.id > after && e.id <= upTo);
    const { logStart, keptFrom, isEvent } = this.bounds(ch);
    const hadSome = isEvent && logStart > after && logStart <= upTo;
    return {
      // Of what was trimmed nobody knows where it began.
      first: hadSome ? after + 1 : (entries[0]?.id ?? 0),
      newest: entries.at(-1)?.id ?? (hadSome ? logStart : 0),
      isKnown: keptFrom <= after,
    };
  }

  flush() {
    this.last = this.since = null;
    this.logs.clear();
    this.tombstones.clear();
    this.notices = [];
    // The number goes on: ids with an earlier one are still out.
    if (this.line > 0) this.line++;
    this.forks = [];
  }

  /** The line on which a position was given out. */
  lineAt(position) {
    const before = this.forks.length > 0 ? this.forks[0].line - 1 : this.line;
    return this.forks.findLast(({ began }) => began <= position)?.line ?? before;
  }

  /** Where the line of a position was left, if it is none of this data set. */
  leftAt({ cursor, line }) {
    // Of a time that is still to come: no server of this hub can have given it out.
    if (cursor > (this.now + 1) * 1000) return undefined;
    const isLeft = (fork) => fork.from < cursor && (cursor < fork.began || (on('line') && line < fork.line));
    const left = this.forks.filter(isLeft).map(({ from }) => from);
    return left.length > 0 ? Math.min(...left) : undefined;
  }

  /** A replica that lags is promoted, and this one lives on: what the replica lacks, and all from here on, is lost. */
  promote(lose) {
    const next = Object.assign(new Redis(), this, { links: new Set(), forks: [...this.forks] });
    next.logs = new Map([...this.logs].map(([ch, log]) => [ch, { ...log, entries: [...log.entries] }]));
    next.tombstones = new Map(this.tombstones);
    next.now++;
    next.#forget(lose);
    this.isReplaced = true;
    return next;
  }

  /** Failover to a replica that lags: the newest entries are lost, and its machine's clock is behind, by less than the
   *  failover took (otherwise ids would be given out twice, which nothing here could tell). */
  failover(lose, skew) {
    this.now += 5;
    this.#forget(lose);
    this.now = Math.max(0, this.now - skew);
  }

  /** The newest entries are lost, and a new line begins. */
  #forget(lose) {
    const ids = [...this.logs.values()].flatMap((l) => l.entries.map((e) => e.id)).sort((x, y) => y - x);
    const cut = this.last === null ? 0 : (ids[lose] ?? (ids.at(-1) ?? this.last + 1) - 1);
    for (const [ch, log] of this.logs) {
      for (const e of log.entries) if (e.id > cut) this.lostByRedis.add(e.n);
      log.entries = log.entries.filter((e) => e.id <= cut);
      if (!log.entries.length) this.logs.delete(ch);
    }
    for (const [ch, id] of this.tombstones) this.tombstones.set(ch, Math.min(id, cut));
    this.notices = this.notices.filter((notice) => notice.until <= cut);
    if (this.last === null) return;
    this.last = Math.max(cut, this.since);
    this.forks.push({
      from: this.last,
      began: Math.max((this.now - 4) * 1000, this.last + 1),
      line: ++this.line,
    });
  }
}
