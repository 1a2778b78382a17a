// A process: one subscriber link, a feed per channel that somebody here listens to.
import { Audit } from './audit.mjs';
import { Feed } from './feed.mjs';
import { NOTICES } from './redis.mjs';
import { on } from './rules.mjs';

export class Node {
  watermark = 0;
  link = null;
  feeds = new Map();
  connections = new Set();
  later = [];
  /** What was lost on the way, for the ledger alone. */
  lost = [];
  /** What was asked over the other connection, and has not been answered. */
  replies = [];
  /** Commands on their way to Redis over the link, in their order, where one of them is to leave a channel. */
  commands = [];
  /** Channels that were left, until Redis says so: until then it announces them. */
  parting = new Set();
  shared = new Map();
  isUp = false;
  /** The latest position that is known to have been given out. */
  known = 0;
  /** The latest position that was announced. */
  heard = 0;
  /** The line of the last link. */
  line = 0;
  /** What it published, and had acknowledged. */
  acknowledged = [];
  constructor(redis, name, rnd) {
    Object.assign(this, { redis, name, rnd });
    this.audit = new Audit(this);
  }

  listeners(ch) {
    return [...this.connections].filter((c) => c.channels.includes(ch));
  }

  publish(ch, n, options) {
    const id = this.redis.publish(ch, n, options);
    if (n >= 0) this.acknowledged.push({ ch, cursor: id, line: this.redis.line });
    if (n >= 0 && this.redis.isReplaced) this.redis.lostByRedis.add(n);
    return id;
  }

  /** It hears that its server has a successor, and both its connections lead there. */
  switchTo(redis) {
    this.down();
    this.redis = redis;
    this.up();
  }

  /** The answer is from now, or from when it arrives: then it has overtaken what was announced meanwhile. */
  ask(position, use) {
    const { link } = this;
    const now = this.rnd() < 0.5 ? position() : undefined;
    this.replies.push(() => link === this.link && use(now ?? position()));
  }

  up() {
    this.link = { subscribed: new Set([...this.feeds.keys(), `probe:${this.name}`, NOTICES]), queue: [] };
    this.redis.links.add(this.link);
    // acknowledged first, position after
    this.ask(
      () => this.redis.publish(`probe:${this.name}`),
      (last) => {
        this.isUp = true;
        // A feed that is newer than the link has an acknowledgement of its own, which may be later than this position.
        for (const feed of this.feeds.values()) if (feed.wasLost || !on('announced-first')) feed.ready(last);
        this.known = Math.max(this.known, last);
        const forkedAt = this.#forkedAt();
        this.audit.linkRestored(forkedAt);
        if (forkedAt !== undefined) this.#goBack(forkedAt);
        for (const c of this.connections) c.fromAhead(this.known);
      },
    );
  }

  /** Behind which fork it has heard another line. */
  #forkedAt() {
    const { line, redis } = this;
    this.line = redis.line;
    const passed = redis.forks.filter((fork) => fork.line > line).map(({ from }) => from);
    return passed.length > 0 ? Math.min(...passed) : undefined;
  }

  #goBack(from) {
    const lost = new Map();
    const note = (ch, id) => lost.set(ch, Math.max(id, lost.get(ch) ?? 0));
    for (const one of this.acknowledged)
      if (one.cursor > from && this.redis.leftAt(one) !== undefined) note(one.ch, one.cursor);
    for (const [ch, feed] of this.feeds) if (feed.newestBefore > from) note(ch, feed.newestBefore);
    if (on('set-back')) for (const c of this.connections) c.setBack(from, lost);
    this.audit.failedOver(from, lost);
    for (const feed of this.feeds.values()) feed.newestBefore = 0;
  }

  down() {
    if (!this.link) return;
    // Nobody was given what came over a link that broke again before it was proven.
    for (const feed of this.feeds.values())
      if (this.isUp) feed.newestBefore = Math.max(feed.newestBefore, feed.newest);
    this.audit.linkLost();
    this.redis.links.delete(this.link);
    this.link = null;
    this.isUp = false;
    this.commands = [];
    this.parting.clear();
    this.known = this.heard = 0;
    // A reading over a connection that is gone fails.
    this.shared.clear();
    for (const c of this.connections) c.linkLost();
    this.watermark = 0;
    for (const [ch, feed] of this.feeds) {
      if (feed.leaving) this.feeds.delete(ch);
      else feed.reset();
    }
  }

  listen(ch) {
    let feed = this.feeds.get(ch);
    if (feed) feed.leaving = undefined;
    if (feed) return;
    feed = new Feed();
    this.feeds.set(ch, feed);
    // What comes before Redis has said that the channel was left is not the beginning of what comes after.
    if (!on('unsubscribe-acknowledged') || !this.parting.has(ch)) this.subscribe(ch, feed);
  }

  subscribe(ch, feed) {
    const run = () => {
      if (on('subscribe-first')) this.link.subscribed.add(ch);
      else this.later.push(ch);
      this.ask(
        () => this.redis.clock(),
        (last) => feed.ready(last),
      );
    };
    if (this.commands.length) this.commands.push(run);
    else run();
  }

  /** A connection was closed, or taken off a channel: what nobody here listens to any more is left. */
  leave(channels) {
    for (const ch of channels) {
      if (this.listeners(ch).length) continue;
      const feed = this.feeds.get(ch);
      // Clients that have gone may lack what was lost of it, and nobody else would find that.
      if (this.link && feed.seen > 0 && on('audit-before-leaving')) feed.leaving = {};
      else this.unsubscribe(ch);
    }
  }

  unsubscribe(ch) {
    this.feeds.delete(ch);
    // Left before it was subscribed to anew, it still is.
    if (!this.link || (on('unsubscribe-acknowledged') && this.parting.has(ch))) return;
    this.parting.add(ch);
    const { link } = this;
    this.commands.push(() => {
      link.subscribed.delete(ch);
      link.queue.push({ ch, parted: true });
    });
  }

  /** An announcement is lost on a link that stays up. Redis does not do that; what is between may. */
  lose() {
    const queue = this.link?.queue ?? [];
    const notice = this.rnd() < 0.5 ? queue.findIndex((m) => m.ch === NOTICES) : -1;
    const at = notice < 0 ? queue.findIndex((m) => m.n >= 0) : notice;
    if (at < 0) return false;
    this.lost.push(...queue.splice(at, 1));
    return true;
  }

  /** A reading that another connection has on its way serves this one as well, and may be a little old. */
  read(ch, after) {
    const key = `${ch} ${after}`;
    const shared = this.shared.get(key);
    if (shared && this.redis.now - shared.at <= 5 && this.rnd() < 0.5) return shared.slice;
    const slice = this.redis.read(ch, after);
    this.shared.set(key, { slice, at: this.redis.now });
    return slice;
  }

  /** One message from the subscription, or an answer. */
  receive() {
    for (const ch of this.later.splice(0)) this.link?.subscribed.add(ch);
    if (this.replies.length && this.rnd() < 0.5) return void this.replies.shift()();
    if (this.commands.length && this.rnd() < 0.5) return void this.commands.shift()();
    const m = this.link?.queue.shift();
    if (!m) return;
    if (m.parted) return this.#left(m.ch);
    this.known = Math.max(this.known, m.id);
    this.heard = m.id;
    if (m.ch === NOTICES) return this.audit.learn(m.id);
    if (m.ch.startsWith('probe:')) {
      if (on('watermark')) this.watermark = m.id;
      return this.audit.settle();
    }
    this.#announced(m);
  }

  #left(ch) {
    this.parting.delete(ch);
    const feed = this.feeds.get(ch);
    if (on('unsubscribe-acknowledged') && feed) this.subscribe(ch, feed);
  }

  #announced(m) {
    const feed = this.feeds.get(m.ch);
    if (!feed || m.id <= feed.seen || (on('unsubscribe-acknowledged') && this.parting.has(m.ch))) return;
    // Before the first announcement, or position, there is nothing to compare with.
    if (feed.seen === 0) feed.beginAfter(m.prev);
    // A bound may lie beyond what was seen though nothing was missed; an event that was not seen was missed.
    else if (on('prev') && m.prev > feed.seen && !(m.bound && m.prev <= this.watermark)) {
      this.audit.missed(m.ch, feed, m.prev, !m.bound);
    }
    feed.seen = m.id;
    if (!m.ephemeral) feed.add(m);
    for (const c of this.listeners(m.ch)) c.receive(m);
  }
}
