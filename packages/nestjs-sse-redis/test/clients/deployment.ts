import { AppProcess, type AdapterName, type ProcessExit } from '@nestjs-sse-redis/testing';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import { randomUUID } from 'node:crypto';
import { Balancer } from './balancer.js';
import type { NodeRequest, Visit } from './node-messages.js';

/** Soon, so that a scenario takes little time; browsers and libraries have lower bounds of their own. */
const OPTIONS: SseRedisOptions = { retry: 600, drain: { timeout: 2_000, retry: 600 } };

/** Two processes of one application, and two balancers before them: clients are at the first process to begin with. */
export class Deployment {
  static async start(adapter: AdapterName, redis: string, options: SseRedisOptions): Promise<Deployment> {
    const args = [adapter, JSON.stringify({ ...OPTIONS, redis, prefix: randomUUID(), ...options })];
    const startNode = () => AppProcess.start(new URL('./node.process.ts', import.meta.url), { args });
    const [first, second] = await Promise.all([startNode(), startNode()]);
    const [events, idOnly] = await Promise.all([
      Balancer.start(first.port, { idOnly: false }),
      Balancer.start(first.port, { idOnly: true }),
    ]);
    return new Deployment(first, second, events, idOnly);
  }

  private constructor(
    private readonly first: AppProcess,
    private readonly second: AppProcess,
    /** Tells positions by events, as the hub does. */
    readonly events: Balancer,
    /** The negative control: tells them by blocks of an id alone. */
    readonly idOnly: Balancer,
  ) {}

  /** Has the second process do something: it stays up in every scenario. */
  ask<Reply = unknown>(request: NodeRequest): Promise<Reply> {
    return this.second.request<Reply>(request);
  }

  /** Ends the first process, whose clients find the second one behind the same address. */
  async endFirst(signal: 'SIGKILL' | 'SIGTERM'): Promise<ProcessExit> {
    for (const balancer of [this.events, this.idOnly]) balancer.switchTo(this.second.port);
    return this.first.kill(signal);
  }

  /** @param who `<fleet>/<client>` */
  countArrivals(who: string): number {
    return [this.first, this.second].flatMap((node) => arrivalsAt(node, who)).length;
  }

  countArrivalsAtSecond(who: string): number {
    return arrivalsAt(this.second, who).length;
  }

  /** The statuses of the responses that have ended, in order. */
  statuses(who: string): number[] {
    return [this.first, this.second].flatMap((node) =>
      visitsOf(node, who).flatMap(({ status }) => status ?? []),
    );
  }

  async stop(): Promise<void> {
    await Promise.all([this.events.stop(), this.idOnly.stop()]);
    const running = [this.first, this.second].filter((node) => node.isRunning);
    await Promise.all(running.map((node) => node.kill()));
  }
}

const visitsOf = (node: AppProcess, who: string): Visit[] =>
  (node.messages as Visit[]).filter((visit) => visit.who === who);

const arrivalsAt = (node: AppProcess, who: string): Visit[] =>
  visitsOf(node, who).filter(({ status }) => status === undefined);
