// One random schedule: what happens to Redis, nodes and clients, a step at a time.
import { Client, JOINED } from './client.mjs';
import { isLacking, verdict } from './ledger.mjs';
import { Node } from './node.mjs';
import { MAXLEN, Redis, TTL } from './redis.mjs';

const CHANNELS = ['a', 'b', 'c'];
/** A channel of runs, each with an end. */
const RUNS = 'r';
const STEPS = 250;
const PROBE_EVERY = 20;
const EXPIRY = TTL + 45;

function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Schedule {
  redis = new Redis();
  published = [];
  loss = false;
  lastProbe = this.redis.now;
  events = {
    flush: 0,
    failover: 0,
    expired: 0,
    trimmed: 0,
    ephemeral: 0,
    announcementLost: 0,
    late: 0,
    lateReturns: 0,
    noticeNeedless: 0,
    pardoned: 0,
  };

  constructor(seed) {
    const rnd = (this.rnd = random(seed));
    this.calm = seed % 3 === 0; // a third of the schedules without data loss: no gap may be told but for retention
    this.lively = seed % 4 === 1; // a quarter in which nodes and clients keep up
    this.lossy = seed % 4 === 3; // and one in which announcements are lost, and clients come and go
    this.nodes = ['n1', 'n2'].map((n) => new Node(this.redis, n, rnd));
    for (const n of this.nodes) n.up();
    this.pace = this.nodes.map(() => 0.1 + 0.8 * rnd());
    const slow = () => rnd() < 0.1;
    this.clients = Array.from({ length: 4 }, () => new Client(this.#someChannels(), slow));
    this.clients.push(new Client([RUNS], slow));
  }

  #someChannels() {
    const some = CHANNELS.filter(() => this.rnd() < 0.6).concat(this.rnd() < 0.5 ? 'a' : 'b');
    return some.filter((c, i, l) => l.indexOf(c) === i);
  }

  run() {
    for (let i = 0; i < STEPS; i++) {
      if (this.lively) this.#keepUp();
      if (this.lossy) this.#comeAndGo();
      if (this.redis.now - this.lastProbe > PROBE_EVERY) this.#beat();
      this.#step(this.rnd() * (this.lossy ? 0.965 : 1));
    }
    this.#settle();
    const bad = this.clients.flatMap((c) => verdict(c, this));
    const sum = (of) => this.clients.reduce((n, c) => n + of(c), 0);
    const { events } = this;
    events.late = sum((c) => c.late);
    events.lateReturns = sum((c) => c.lateReturns);
    for (const c of this.clients) {
      for (const gap of c.gaps) {
        events[`gap:${gap.cause}`] = (events[`gap:${gap.cause}`] ?? 0) + 1;
        if (gap.cause === 'lost' && !isLacking(gap, c, this)) events.noticeNeedless++;
      }
    }
    return { bad, deliveries: sum((c) => c.got.length), gaps: sum((c) => c.gaps.length), events };
  }

  #pick(list) {
    return list[Math.floor(this.rnd() * list.length)];
  }

  #step(r) {
    if (r < 0.22) this.#publish(this.#pick([...CHANNELS, JOINED, RUNS]));
    else if (r < 0.25) this.#publishEphemeral();
    else if (r < 0.5) this.#pick(this.nodes).receive();
    else if (r < 0.7) this.#clientGoesOn();
    else if (r < 0.71) this.#joinOrLeave();
    else if (r < 0.76) this.#drop();
    else if (r < 0.765) this.#loseAnnouncement();
    else if (r < 0.8) this.#linkDownOrUp();
    else if (r < 0.96) this.redis.tick(Math.floor(this.rnd() * 6));
    else if (r < 0.97) this.#expire();
    else if (r < 0.975 && !this.calm) this.#loseData('flush', () => this.redis.flush());
    else if (r < 0.98 && !this.calm) {
      const [lose, skew] = [1 + Math.floor(this.rnd() * 3), Math.floor(this.rnd() * 3)];
      this.#loseData('failover', () => this.redis.failover(lose, skew));
    }
  }

  /** What is made good for late comes late only to those who were live. */
  #keepUp() {
    for (const n of this.nodes) for (let k = 0; k < 3; k++) n.receive();
    for (const c of this.clients) c.connection?.step();
    if (this.rnd() < 0.04) this.#loseAnnouncement();
    for (const c of this.clients) if (this.rnd() < 0.4) this.#readSome(c);
  }

  /** Late events, cut between any two blocks: links stay up, and clients read a block now and then. */
  #comeAndGo() {
    for (const [i, n] of this.nodes.entries()) if (this.rnd() < this.pace[i]) n.receive();
    for (const c of this.clients) {
      if (this.rnd() < 0.6) c.connection?.step();
      if (this.rnd() < 0.5) this.#readSome(c);
    }
    const r = this.rnd();
    if (r < 0.1) this.#loseAnnouncement();
    else if (r < 0.2) this.#drop();
    else if (r < 0.35) this.#clientGoesOn();
    else if (r < 0.4) this.#joinOrLeave();
    else if (r < 0.5) this.#publish(this.#pick([...CHANNELS, JOINED]));
  }

  #readSome(client) {
    client.read(1 + Math.floor(this.rnd() * 4));
    if (client.done) client.drop();
  }

  /** Probes, heartbeats, audits. */
  #beat() {
    for (const n of this.nodes) {
      n.audit.start();
      if (n.link) this.redis.publish(`probe:${n.name}`);
      for (const c of n.connections) if (c.state === 'live') c.beat();
    }
    this.lastProbe = this.redis.now;
  }

  #publish(ch) {
    if ((this.redis.logs.get(ch)?.entries.length ?? 0) >= MAXLEN) this.events.trimmed++;
    const n = this.published.length;
    const isEnd = ch === RUNS && this.rnd() < 0.2;
    this.published.push({ ch, n, isEnd, id: this.redis.publish(ch, n, { isEnd }) });
  }

  #publishEphemeral() {
    this.redis.publish(this.#pick(CHANNELS), -1, { ephemeral: true });
    this.events.ephemeral++;
  }

  #clientGoesOn() {
    const c = this.#pick(this.clients);
    if (c.connection && this.rnd() < 0.3) this.#readSome(c);
    else if (c.connection) c.connection.step();
    else if (!c.done) this.#open(c, this.#pick(this.nodes.filter((n) => n.link)));
  }

  #open(client, node) {
    if (!node) [node] = this.nodes;
    if (!node.link) node.up();
    client.open(node, this.published.length);
  }

  #joinOrLeave() {
    const c = this.#pick(this.clients.filter((c) => c.connection?.node.link && !c.channels.includes(RUNS)));
    if (!c) return;
    const publishes = this.published.length;
    if (!c.channels.includes(JOINED)) {
      c.add(JOINED, publishes, c.left);
      c.left = undefined;
    } else if (!this.calm) {
      // When it is put there again, it is owed all since the last that it got of the channel.
      c.left = c.remove(JOINED);
    }
  }

  #drop() {
    const c = this.#pick(this.clients);
    c.drop();
    if (this.calm || !c.lastId || this.rnd() >= 0.05) return;
    c.lastId = { ...c.lastId, cursor: c.lastId.cursor + 9_000_000 }; // a cursor from elsewhere
    c.isFromElsewhere = true;
  }

  #loseAnnouncement() {
    if (this.#pick(this.nodes).lose()) this.events.announcementLost++;
  }

  #linkDownOrUp() {
    const n = this.#pick(this.nodes);
    if (n.link) n.down();
    else n.up();
  }

  #expire() {
    for (let t = 0; t < EXPIRY; t += 15) {
      this.redis.tick(15);
      this.#beat();
      for (const n of this.nodes) while (n.link?.queue.length || n.replies.length) n.receive();
    }
    this.events.expired++;
  }

  #loseData(kind, lose) {
    for (const n of this.nodes) n.down();
    lose();
    this.loss = true;
    this.events[kind]++;
    if (kind === 'flush') this.redis.tick(1);
    for (const n of this.nodes) if (this.rnd() < 0.7) n.up();
  }

  /** All is well again, and nothing more is published: audits find what is still missing. */
  #settle() {
    for (const n of this.nodes) if (!n.link) n.up();
    for (const c of this.clients) if (!c.connection && !c.done) this.#open(c, this.nodes[0]);
    for (const c of this.clients) if (c.left !== undefined) c.add(JOINED, this.published.length, c.left);
    for (let round = 0; round < 4; round++) {
      for (let k = 0; k < 100 || this.#isBusy(k); k++) {
        for (const n of this.nodes) n.receive();
        for (const c of this.clients) {
          c.connection?.step();
          c.read();
        }
      }
      this.#beat();
    }
  }

  #isBusy(k) {
    return k < 2000 && this.nodes.some((n) => n.link.queue.length + n.replies.length + n.commands.length > 0);
  }
}
