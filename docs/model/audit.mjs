// How a node finds announcements that were lost, and how nodes tell each other: clients may have left meanwhile.
import { on } from './rules.mjs';

export class Audit {
  /** Readings that wait for the watermark. */
  readings = [];
  /** What was announced over links that were lost: what of it never came is still to be found. */
  unsettled = [];
  /** Publishes whose announcement was lost, of which nobody can tell any more, and who was there. */
  #neverFound = new Map();
  /** What this node found: it tells of it anew where Redis has lost it. */
  found = [];
  /** What is known of all nodes, and up to which notice. */
  notices = [];
  learnedUpTo = 0;
  /** The latest position that was ever announced: clients may have been told ids up to here. */
  heardEver = 0;

  constructor(node) {
    this.node = node;
  }

  /** Asks for the newest position of each channel. */
  start() {
    const { node } = this;
    if (!on('audit') || !node.isUp) return;
    const channels = [...node.feeds.keys()];
    const feeds = channels.map((ch) => node.feeds.get(ch));
    const leaving = feeds.map((feed) => feed.leaving);
    const last = node.redis.clock();
    const newest = node.redis.newest(channels);
    const { link } = node;
    node.replies.push(() => {
      if (link !== node.link) return;
      this.learn(last);
      this.readings.push({ last, channels, feeds, leaving, newest });
      this.settle();
    });
  }

  /** The answer may have overtaken announcements: it counts only when all up to it have been received. */
  settle() {
    this.heardEver = Math.max(this.heardEver, this.node.heard);
    const isDue = ({ last }) => last <= this.node.watermark || !on('audit-after-watermark');
    while (this.readings.length && isDue(this.readings[0])) {
      const { last, channels, feeds, leaving, newest } = this.readings.shift();
      for (const [i, ch] of channels.entries()) this.#compare(ch, feeds[i], newest[i], last, leaving[i]);
    }
  }

  #compare(ch, feed, newest, last, leaving) {
    const { node } = this;
    if (node.feeds.get(ch) !== feed || feed.seen === 0 || node.parting.has(ch)) return;
    if (newest > feed.seen) {
      this.missed(ch, feed, newest, true);
      feed.seen = newest;
    }
    // All up to here is proved to have come.
    if (last <= node.watermark) feed.seen = Math.max(feed.seen, last);
    if (leaving && feed.leaving === leaving) node.unsubscribe(ch);
  }

  /** Events of a channel up to a position were not announced; not `certain`: there may have been none. */
  missed(ch, feed, upTo, certain) {
    const { seen } = feed;
    feed.beginAfter(upTo);
    for (const c of this.node.listeners(ch)) c.missed(ch, seen, certain ? upTo : 0);
    if (certain) this.#tell({ ch, after: seen, upTo, first: this.node.redis.between(ch, seen, upTo).first });
  }

  #tell(notice) {
    if (!on('lost-notice')) return;
    const own = { ...notice, by: this.node.name, key: `${this.node.name} ${this.found.length}` };
    this.found.push(own);
    const until = this.node.redis.publishNotice(own);
    // Here it is known at once: before ids say what is owed for certain, of which others need not be told.
    if (on('notice-at-once')) this.#apply({ ...own, until });
  }

  #apply(notice) {
    this.notices.push(notice);
    if (on('notice-on-arrival')) for (const c of this.node.connections) c.arrival.learn(notice);
  }

  /** Tells of what a failover lost, of each channel up to the newest. */
  failedOver(after, lost) {
    if (!on('failover-notice')) return;
    for (const [ch, upTo] of lost) this.#tell({ ch, after, upTo, first: after + 1, isFailover: true });
  }

  linkLost() {
    const { node } = this;
    this.readings = [];
    this.heardEver = Math.max(this.heardEver, node.heard);
    if (!on('audit') || !on('audit-lost-link')) return;
    for (const [ch, { seen }] of node.feeds) {
      if (seen > 0 && seen < node.heard) {
        this.unsettled.push({ ch, after: seen, upTo: node.heard, there: node.listeners(ch) });
      }
    }
  }

  /** @param forkedAt behind which fork it has heard another line: there the log has other events */
  linkRestored(forkedAt) {
    const { redis } = this.node;
    if (forkedAt !== undefined) {
      this.learnedUpTo = Math.min(this.learnedUpTo, forkedAt);
      if (on('audit-forked')) {
        this.unsettled = this.unsettled
          .filter(({ after }) => after < forkedAt)
          .map((range) => ({ ...range, upTo: Math.min(range.upTo, forkedAt) }));
      }
    }
    this.learn(redis.newestNotice);
    for (const notice of this.found) {
      if (!redis.notices.some(({ key }) => key === notice.key)) redis.publishNotice(notice);
    }
    for (const { ch, after, upTo, there } of this.unsettled.splice(0)) {
      const { first, newest, isKnown } = redis.between(ch, after, upTo);
      if (first) this.#tell({ ch, after, upTo: newest, first });
      else if (!isKnown) this.#neverFind(ch, after, upTo, there);
    }
  }

  /**
   * THE ONE PARDON. It was away for longer than the log was kept, or Redis has lost its data: whether an announcement was
   * lost before that, after the last audit, nobody can tell any more. It is as if the process had died. Those who
   * stay are told all the same: pardoned are those who have left.
   */
  #neverFind(ch, after, upTo, there) {
    for (const m of this.node.lost)
      if (m.ch === ch && m.id > after && m.id <= upTo) this.#neverFound.set(m.n, there);
  }

  /** For the ledger. A client that came with an id beyond the event had left before it. */
  isPardoned({ ch, n, id }, { visited, connection }) {
    const there = visited.has(this.node) && this.#neverFound.get(n);
    return there && (!there.includes(connection) || connection.arrival.stoodBeyond(ch, id));
  }

  /** Reads of NOTICES what is new up to a position, before any client is told an id beyond. */
  learn(upTo) {
    if (upTo <= this.learnedUpTo) return;
    const { node } = this;
    this.heardEver = Math.max(this.heardEver, node.heard);
    const fresh = node.redis.notices.filter(({ until }) => until > this.learnedUpTo && until <= upTo);
    for (const notice of fresh) {
      this.learnedUpTo = notice.until;
      this.#apply(notice);
      // Its own announcement was lost, and ids were told meanwhile: of them it must tell as well.
      if (notice.until < this.heardEver && on('late-notice-again')) node.redis.publishNotice(notice);
    }
  }

  /** Whether what a notice tells of is true: for the ledger. */
  static isTrue({ by, ch, after, upTo }, nodes) {
    const { lost } = nodes.find(({ name }) => name === by);
    return lost.some((m) => m.ch === ch && m.id > after && m.id <= upTo);
  }
}
