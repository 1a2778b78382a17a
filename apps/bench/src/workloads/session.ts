import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Child } from '../processes/child.js';
import type { Peer } from '../peers.js';
import type { LoadMethods } from '../load/main.js';
import type { PublisherMethods } from '../publisher/main.js';
import type { ServerMethods } from '../servers/main.js';
import { SERVER, type Bench } from './bench.js';

/** Events of a round in which each has one client, and how many of them go out together. */
const ROUND = 1000;
const FEWEST_TOGETHER = 100;

export interface SessionPlan {
  /** All on one channel, or each on one of its own. */
  readonly channels: 'shared' | 'own';
  /** On which all are where it is shared. Default 1. */
  readonly channelsEach?: number;
  /** Of the clients, so many stop reading at once. Default 0. */
  readonly stalled?: number;
  /** Server processes that share the clients. Default 1. */
  readonly processes?: number;
}

export interface Window {
  /** CPU of the server's process or processes, microseconds. */
  readonly cpu: number;
  readonly redisCpu: number;
  readonly seconds: number;
  readonly deliveries: number;
}

/** A peer's server, freshly started, with clients that receive; all that happens is counted and verified. */
export class Session {
  private readonly name: string;
  /** Clients that are sent events. */
  private clients = 0;
  private expected = 0;
  private measured = 0;

  static async open(bench: Bench, peer: Peer, plan: SessionPlan): Promise<Session> {
    // Taken in the order of the peers, so that each gets the same ones every time.
    const load = bench.loads.take();
    const publisher = bench.publishers[peer.publisher].take();
    const servers = await Promise.all(
      Array.from({ length: plan.processes ?? 1 }, () =>
        Child.start<ServerMethods>(SERVER, [peer.name, bench.redis.url], ['--expose-gc']),
      ),
    );
    const session = new Session(bench, peer, servers, await load, await publisher, plan);
    await session.publisher.call('begin', session.name);
    return session;
  }

  private constructor(
    private readonly bench: Bench,
    readonly peer: Peer,
    private readonly servers: readonly Child<ServerMethods>[],
    private readonly load: Child<LoadMethods>,
    private readonly publisher: Child<PublisherMethods>,
    private readonly plan: SessionPlan,
  ) {
    this.name = bench.nextSession();
  }

  /** Connects clients until there are so many. */
  async connect(clients: number): Promise<void> {
    await this.add(clients - this.clients, this.plan.channelsEach ?? 1);
    this.clients = clients;
    await this.publisher.call('useChannels', this.channels);
  }

  /** Connects clients until there are so many, and waits until Redis has all of their subscriptions. */
  async open(clients: number): Promise<void> {
    const more = clients - this.clients;
    const wanted = (await this.bench.redis.channels()) + more;
    await this.add(more, 1);
    this.clients = clients;
    await this.subscribed(wanted);
  }

  /** Connects clients with channels of their own, to which nothing is sent. After them no others can come that are sent events. */
  async addIdle(clients: number, channelsEach: number): Promise<void> {
    const wanted = (await this.bench.redis.channels()) + clients * channelsEach;
    await this.add(clients, channelsEach);
    await this.subscribed(wanted);
  }

  private async subscribed(wanted: number): Promise<void> {
    const deadline = performance.now() + 60_000;
    while ((await this.bench.redis.channels()) < wanted) {
      if (performance.now() > deadline)
        throw new Error(`not ${wanted} channels are subscribed to after 60 s`);
      await pause(20);
    }
  }

  /**
   * Sends until everybody receives, collects what connecting has left (in a short measurement it would count as a few
   * microseconds of each delivery, or not at all), and sends so many rounds more: the compiler has then seen the way of an event.
   */
  async warmUp(size: number, rounds: number): Promise<void> {
    await this.setSize(size);
    const wanted = this.channels * this.fanOut;
    const deadline = performance.now() + 30_000;
    for (let live = 0; live < wanted;) {
      if (performance.now() > deadline) throw new Error(`only ${live} of ${wanted} receive after 30 s`);
      await this.publisher.call('burst', this.channels);
      const roundEnd = performance.now() + 1000;
      while (live < wanted && performance.now() < roundEnd) {
        await pause(5);
        live = await this.load.call('live');
      }
    }
    const last = [...(await this.publisher.call('lastSequences'))];
    this.expected = await this.load.call('untilComplete', { last, timeout: 30_000 });
    await Promise.all(this.servers.map((server) => server.call('collectGarbage')));
    if (this.plan.channels === 'shared') {
      for (let round = 0; round < rounds; round++) await this.burst(1);
      return;
    }
    // Where it can be, one for each client: several of a tick would go out as one, on another way.
    const together = Math.min(ROUND, Math.max(FEWEST_TOGETHER, this.clients));
    for (let left = rounds * ROUND; left > 0; left -= together) await this.burst(together);
  }

  /** Of all events from now on. Nothing may be under way. */
  async setSize(size: number): Promise<void> {
    await this.publisher.call('setSize', size);
    await this.load.call('expectSize', size);
  }

  /** Events at a fixed rate; resolves when all of them have arrived. */
  async paced(ticks: number, interval: number, perTick = 1): Promise<void> {
    await this.publisher.call('paced', { ticks, interval, perTick });
    this.expected += ticks * perTick * this.fanOut;
    await this.delivered();
  }

  /** Events all at once; resolves when all of them have arrived. */
  async burst(count: number): Promise<void> {
    await this.publisher.call('burst', count);
    this.expected += count * this.fanOut;
    await this.delivered();
  }

  /** As many events as get through in this time, some always under way. */
  async flood(ms: number, underWay: number): Promise<void> {
    const batch = Math.max(1, Math.floor(underWay / 4));
    const end = performance.now() + ms;
    while (performance.now() < end) {
      await this.publisher.call('burst', batch);
      this.expected += batch * this.fanOut;
      await this.delivered(this.expected - (underWay - batch) * this.fanOut);
    }
    await this.delivered();
  }

  /** Measures what the servers and Redis spend on it. */
  async measure(body: () => Promise<void>): Promise<Window> {
    const { profiles } = this.bench;
    if (profiles === undefined) return this.window(body);
    await Promise.all(this.servers.map((server) => server.call('startProfile')));
    const window = await this.window(body);
    const name = `${this.name}-${this.peer.name}-${++this.measured}`;
    const file = (index: number): string => join(profiles, `${name}-${index}.cpuprofile`);
    await Promise.all(this.servers.map((server, index) => server.call('writeProfile', file(index))));
    return window;
  }

  private async window(body: () => Promise<void>): Promise<Window> {
    const before = await this.usage();
    const deliveries = this.expected;
    const started = performance.now();
    await body();
    const seconds = (performance.now() - started) / 1000;
    const after = await this.usage();
    return {
      cpu: after.cpu - before.cpu,
      redisCpu: after.redisCpu - before.redisCpu,
      seconds,
      deliveries: this.expected - deliveries,
    };
  }

  timeEvents(): Promise<void> {
    return this.load.call('timeEvents');
  }

  latency(): Promise<{ p50: number; p99: number }> {
    return this.load.call('latency');
  }

  /** Resident bytes of the servers. */
  async memory(): Promise<number> {
    const each = await Promise.all(this.servers.map((server) => server.call('memory')));
    return each.reduce((sum, bytes) => sum + bytes, 0);
  }

  async verify(): Promise<void> {
    const last = await this.publisher.call('lastSequences');
    await this.load.call('verify', [...last]);
  }

  async close(): Promise<void> {
    await this.load.call('reset');
    await Promise.all(this.servers.map((server) => server.stop()));
    await this.bench.loads.give(this.load);
    await this.bench.publishers[this.peer.publisher].give(this.publisher);
  }

  /** That events are sent to. */
  private get channels(): number {
    return this.plan.channels === 'shared' ? (this.plan.channelsEach ?? 1) : this.clients;
  }

  /** Deliveries of an event. */
  private get fanOut(): number {
    return this.plan.channels === 'shared' ? this.clients - (this.plan.stalled ?? 0) : 1;
  }

  private async add(clients: number, channelsEach: number): Promise<void> {
    const { channels, stalled = 0 } = this.plan;
    const ports = await Promise.all(this.servers.map((server) => server.call('port')));
    await this.load.call('connect', {
      ports,
      session: this.name,
      clients,
      stalled,
      channelsEach,
      together: channels === 'shared',
    });
  }

  private async delivered(target = this.expected): Promise<void> {
    await this.load.call('untilDelivered', { target, timeout: 60_000 });
  }

  private async usage(): Promise<{ cpu: number; redisCpu: number }> {
    const [redisCpu, ...each] = await Promise.all([
      this.bench.redis.cpu(),
      ...this.servers.map((server) => server.call('cpu')),
    ]);
    return { cpu: each.reduce((sum, cpu) => sum + cpu, 0), redisCpu };
  }
}
