import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Child } from '../processes/child.js';
import type { Peer } from '../peers.js';
import type { PublisherMethods } from '../publisher/main.js';
import type { ServerMethods } from '../servers/main.js';
import type { Bench } from './bench.js';

const SERVER = new URL('../servers/main.js', import.meta.url);

/** Of a round in which each event has one client. */
const WARM_UP_BURST = 300;

export interface SessionPlan {
  readonly clients: number;
  /** Of these, so many stop reading at once. Default 0. */
  readonly stalled?: number;
  /** All on one channel, or each on channels of its own. */
  readonly channels: 'shared' | 'own';
  /** Default 1. */
  readonly channelsEach?: number;
  /** Every so manieth channel gets events. Default 1: all. */
  readonly stride?: number;
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
  private readonly publisher: Child<PublisherMethods>;
  /** Events per channel that gets any → deliveries. */
  private readonly fanOut: number;
  private readonly usedChannels: number;
  private readonly channels: number;
  private expected = 0;
  private measured = 0;

  static async open(bench: Bench, peer: Peer, plan: SessionPlan): Promise<Session> {
    const servers = await Promise.all(
      Array.from({ length: plan.processes ?? 1 }, () =>
        Child.start<ServerMethods>(SERVER, [peer.name, bench.redis.url], ['--expose-gc']),
      ),
    );
    const session = new Session(bench, peer, servers, plan);
    await session.publisher.call('begin', {
      session: session.name,
      channels: session.channels,
      stride: plan.stride ?? 1,
    });
    return session;
  }

  private constructor(
    private readonly bench: Bench,
    private readonly peer: Peer,
    private readonly servers: readonly Child<ServerMethods>[],
    private readonly plan: SessionPlan,
  ) {
    this.publisher = bench.publishers[peer.publisher];
    const { clients, channels, channelsEach = 1, stride = 1, stalled = 0 } = plan;
    this.name = bench.nextSession();
    this.channels = channels === 'shared' ? 1 : clients * channelsEach;
    this.usedChannels = Math.ceil(this.channels / stride);
    this.fanOut = channels === 'shared' ? clients - stalled : 1;
  }

  /** Connects clients until there are so many. */
  async connect(clients = this.plan.clients): Promise<void> {
    const { channels, channelsEach = 1, stalled = 0 } = this.plan;
    const ports = await Promise.all(this.servers.map((server) => server.call('port')));
    await this.bench.load.call('connect', {
      ports,
      session: this.name,
      clients,
      stalled,
      channelsEach,
      together: channels === 'shared',
    });
  }

  /** Sends until everybody receives, and so many rounds more: the compiler has then seen the way of an event. */
  async warmUp(size: number, rounds: number): Promise<void> {
    await this.setSize(size);
    const wanted = this.plan.channels === 'shared' ? this.fanOut : this.usedChannels;
    const deadline = performance.now() + 30_000;
    for (let live = 0; live < wanted;) {
      if (performance.now() > deadline) throw new Error(`only ${live} of ${wanted} receive after 30 s`);
      await this.publisher.call('burst', this.usedChannels);
      const roundEnd = performance.now() + 1000;
      while (live < wanted && performance.now() < roundEnd) {
        await pause(5);
        live = await this.bench.load.call('live');
      }
    }
    const last = [...(await this.publisher.call('lastSequences'))];
    this.expected = await this.bench.load.call('untilComplete', { last, timeout: 30_000 });
    for (let round = 0; round < rounds; round++) {
      await this.burst(this.plan.channels === 'shared' ? 1 : WARM_UP_BURST);
    }
  }

  /** Of all events from now on. Nothing may be under way. */
  async setSize(size: number): Promise<void> {
    await this.publisher.call('setSize', size);
    await this.bench.load.call('expectSize', size);
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
    return this.bench.load.call('timeEvents');
  }

  latency(): Promise<{ p50: number; p99: number }> {
    return this.bench.load.call('latency');
  }

  /** Resident bytes of the servers. */
  async memory(): Promise<number> {
    const each = await Promise.all(this.servers.map((server) => server.call('memory')));
    return each.reduce((sum, bytes) => sum + bytes, 0);
  }

  async verify(): Promise<void> {
    const last = await this.publisher.call('lastSequences');
    await this.bench.load.call('verify', [...last]);
  }

  async close(): Promise<void> {
    await this.bench.load.call('reset');
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  private async delivered(target = this.expected): Promise<void> {
    await this.bench.load.call('untilDelivered', { target, timeout: 60_000 });
  }

  private async usage(): Promise<{ cpu: number; redisCpu: number }> {
    const [redisCpu, ...each] = await Promise.all([
      this.bench.redis.cpu(),
      ...this.servers.map((server) => server.call('cpu')),
    ]);
    return { cpu: each.reduce((sum, cpu) => sum + cpu, 0), redisCpu };
  }
}
