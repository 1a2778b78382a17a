// Redis, two nodes, five clients, and what may happen to them.
import { Client, JOINED } from './client.mjs';
import { Node } from './node.mjs';
import { MAXLEN, Redis, TTL } from './redis.mjs';
import { on } from './rules.mjs';

export const CHANNELS = ['a', 'b', 'c'];
/** A channel of runs, each with an end. */
export const RUNS = 'r';
const PROBE_EVERY = 20;
/** Longer than any log is kept. */
const EXPIRY = TTL + 45;

function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class World {
  redis = new Redis();
  published = [];
  loss = false;
  /** A master that was replaced and lives on, as long as a node is connected to it. */
  old = undefined;
  lastProbe = this.redis.now;
  events = {
    flush: 0,
    failover: 0,
    promoted: 0,
    waited: 0,
    expired: 0,
    trimmed: 0,
    ephemeral: 0,
    announcementLost: 0,
    pardoned: 0,
    gone: 0,
  };

  constructor(seed) {
    const rnd = (this.rnd = random(seed));
    this.calm = seed % 3 === 0; // a third of the schedules without data loss: no gap may be told but for retention
    this.nodes = ['n1', 'n2'].map((n) => new Node(this.redis, n, rnd));
    for (const n of this.nodes) n.up();
    /** How fast each node reads its link, where nodes are left to themselves. */
    this.pace = this.nodes.map(() => 0.1 + 0.8 * rnd());
    const slow = () => rnd() < 0.1;
    this.clients = Array.from({ length: 4 }, () => new Client(this.#someChannels(), slow));
    this.clients.push(new Client([RUNS], slow));
  }

  #someChannels() {
    const some = CHANNELS.filter(() => this.rnd() < 0.6).concat(this.rnd() < 0.5 ? 'a' : 'b');
    return some.filter((c, i, l) => l.indexOf(c) === i);
  }

  pick(list) {
    return list[Math.floor(this.rnd() * list.length)];
  }

  publish(ch) {
    const node = this.pick(this.nodes);
    if ((node.redis.logs.get(ch)?.entries.length ?? 0) >= MAXLEN) this.events.trimmed++;
    const n = this.published.length;
    const isEnd = ch === RUNS && this.rnd() < 0.2;
    this.published.push({ ch, n, isEnd, id: node.publish(ch, n, { isEnd }) });
  }

  publishEphemeral() {
    this.pick(this.nodes).publish(this.pick(CHANNELS), -1, { ephemeral: true });
    this.events.ephemeral++;
  }

  /** Probes, heartbeats, audits. */
  beat() {
    for (const n of this.nodes) {
      n.audit.start();
      if (n.link) n.redis.publish(`probe:${n.name}`);
      for (const c of n.connections) if (c.state === 'live') c.beat();
    }
    this.lastProbe = this.redis.now;
  }

  tick(ms) {
    this.redis.tick(ms);
    this.old?.tick(ms);
  }

  /** A replica is promoted. Nobody hears of it, and the old master goes on. */
  promote() {
    if (this.calm || this.old || this.redis.last === null) return;
    this.old = this.redis;
    this.redis = this.old.promote(1 + Math.floor(this.rnd() * 3));
    this.events.promoted++;
  }

  switchOver(node) {
    if (this.old && node.redis === this.old) node.switchTo(this.redis);
    if (this.nodes.every(({ redis }) => redis === this.redis)) this.old = undefined;
  }

  switchAll() {
    for (const n of this.nodes) this.switchOver(n);
  }

  beatIfDue() {
    if (this.redis.now - this.lastProbe > PROBE_EVERY) this.beat();
  }

  clientGoesOn() {
    const c = this.pick(this.clients);
    if (c.connection && this.rnd() < 0.3) this.readSome(c);
    else if (c.connection) c.connection.step();
    else if (!c.done) this.open(c, this.pick(this.nodes.filter((n) => n.link)));
  }

  readSome(client) {
    client.read(1 + Math.floor(this.rnd() * 4));
    if (client.done) client.drop();
  }

  open(client, node) {
    if (!node) [node] = this.nodes;
    // Its id is of a line that the node has yet to hear of.
    if (this.isNewer(client.lastId, node)) return void this.events.waited++;
    if (!node.link) node.up();
    client.open(node, this.published.length);
  }

  /** An id is of a line that the link of a node has yet to lead to. */
  isNewer(id, { line }) {
    return on('newer-waits') && id?.line > line;
  }

  joinOrLeave() {
    const c = this.pick(this.clients.filter((c) => c.connection?.node.link && !c.channels.includes(RUNS)));
    if (!c || this.isNewer(c.left, c.connection.node)) return;
    if (!c.channels.includes(JOINED)) {
      c.add(JOINED, this.published.length, c.left);
      c.left = undefined;
    } else if (!this.calm) {
      // When it is put there again, it is owed all since the last that it got of the channel.
      c.left = c.remove(JOINED);
    }
  }

  drop() {
    const c = this.pick(this.clients);
    c.drop();
    if (this.calm || !c.lastId || this.rnd() >= 0.05) return;
    c.lastId = { ...c.lastId, cursor: c.lastId.cursor + 9_000_000 }; // a cursor from elsewhere
    c.isFromElsewhere = true;
  }

  loseAnnouncement() {
    if (this.pick(this.nodes).lose()) this.events.announcementLost++;
  }

  linkDownOrUp() {
    const n = this.pick(this.nodes);
    if (n.link) n.down();
    else n.up();
  }

  expire() {
    for (let t = 0; t < EXPIRY; t += 15) {
      this.tick(15);
      this.beat();
      for (const n of this.nodes) while (n.link?.queue.length || n.replies.length) n.receive();
    }
    this.events.expired++;
  }

  flush() {
    this.#loseData('flush', () => {
      this.redis.flush();
      this.redis.tick(1);
    });
  }

  failover() {
    const [lose, skew] = [1 + Math.floor(this.rnd() * 3), Math.floor(this.rnd() * 3)];
    this.#loseData('failover', () => this.redis.failover(lose, skew));
  }

  #loseData(kind, lose) {
    this.switchAll();
    for (const n of this.nodes) n.down();
    lose();
    this.loss = true;
    this.events[kind]++;
    for (const n of this.nodes) if (this.rnd() < 0.7) n.up();
  }
}
