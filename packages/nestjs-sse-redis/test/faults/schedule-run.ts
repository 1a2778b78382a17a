import { readForks } from './read-forks.js';
import { ownIdOf, Random, until } from '@nestjs-sse-redis/testing';
import { setTimeout as pause } from 'node:timers/promises';
import { FAST, type Deployment } from './deployment.js';
import { connectClient, type FaultClientKind } from './connect-client.js';
import type { FaultClient } from './fault-client.js';
import { FAULTS, type FaultName, type Scene } from './faults.js';
import { Publisher } from './publisher.js';
import { initialClients, type Schedule, type Step } from './schedule.js';
import { COUNTS, DataLoss, judge, noCounts, type Counts } from './verdict.js';

const CATCH_UP_MS = 20_000;
/** How long after `publishTimeout` a failure may come, on a machine that has other things to do. */
const LATE_MS = 3_000;

/** What a schedule led to. */
export interface Outcome {
  readonly counts: Counts;
  readonly events: number;
  readonly connections: number;
  /** The longest that it took until a publish failed (ms). */
  readonly slowestFailure: number;
  /** That took place: some need circumstances. */
  readonly faults: readonly FaultName[];
  readonly problems: readonly string[];
  /** What really happened, in time. */
  readonly log: readonly string[];
}

/** Runs one schedule on a deployment that is whole, and leaves it whole. */
export class ScheduleRun {
  private readonly clients: FaultClient[] = [];
  private readonly crowd: FaultClient[] = [];
  private readonly publisher: Publisher;
  private readonly loss = new DataLoss();
  private readonly log: string[] = [];
  private readonly faults: FaultName[] = [];
  private readonly work: Promise<unknown>[] = [];
  private readonly queues = new Map<string, Promise<unknown>>();
  private readonly random: Random;
  private readonly scene: Omit<Scene, 'random'>;
  private began = 0;

  constructor(
    private readonly deployment: Deployment,
    private readonly schedule: Schedule,
    private readonly kind: FaultClientKind = 'raw',
    /** How many of each client there are. To all but the first of them faults alone happen. */
    private readonly copies = 1,
  ) {
    this.random = new Random(schedule.seed);
    this.publisher = new Publisher(() => this.pickNode());
    this.scene = {
      deployment,
      publisher: this.publisher,
      clients: this.clients,
      channels: schedule.channels,
      loss: this.loss,
      announcementDropped: false,
    };
  }

  async run(): Promise<Outcome> {
    const problems: string[] = [];
    try {
      for (let i = 0; i < initialClients(this.schedule); i++) this.join();
      await Promise.all(this.all.map((client) => client.placed()));
      this.began = performance.now();
      for (const step of this.schedule.steps) {
        const wait = step.at - this.now;
        if (wait > 0) await pause(wait);
        this.take(step);
      }
      this.note('all steps begun');
      await this.settle(problems);
      this.note('healed');
      await this.catchUp();
      this.note('caught up');
    } catch (error) {
      problems.push(`the schedule broke: ${(error as Error).message}`);
    }
    return this.conclude(problems);
  }

  private get all(): readonly FaultClient[] {
    return [...this.clients, ...this.crowd];
  }

  private get now(): number {
    return performance.now() - this.began;
  }

  private note(what: string): void {
    this.log.push(`${this.now.toFixed(0).padStart(6)} ms  ${what}`);
  }

  private take(step: Step): void {
    switch (step.kind) {
      case 'publish': {
        const drafts = step.channels.map((i) => ({ channel: this.schedule.channels[i]!, bytes: step.bytes }));
        this.work.push(this.publisher.publish(drafts));
        return;
      }
      case 'join':
        this.join();
        return;
      case 'drop':
        this.clients[step.client]!.drop();
        return;
      case 'leave':
        this.work.push(this.leave(this.clients[step.client]!, step.ms));
        return;
      case 'pause':
        this.work.push(this.pause(this.clients[step.client]!, step.ms));
        return;
      case 'fault':
        this.work.push(this.cause(step.fault, step.seed));
    }
  }

  private join(): void {
    const channels = this.schedule.clients[this.clients.length]!.map((i) => this.schedule.channels[i]!);
    const connect = (name: string) => connectClient(this.kind, name, channels, () => this.pickNode().url);
    const name = `client ${this.clients.length}`;
    this.clients.push(connect(name));
    for (let i = 1; i < this.copies; i++) this.crowd.push(connect(`${name}, copy ${i}`));
  }

  private async leave(client: FaultClient, ms: number): Promise<void> {
    client.leave();
    await pause(ms);
    client.comeBack();
  }

  private async pause(client: FaultClient, ms: number): Promise<void> {
    const resume = client.pause();
    await pause(ms);
    resume();
  }

  /** After those that were caused before on the same thing. */
  private cause(name: FaultName, seed: number): Promise<void> {
    const { on, inject } = FAULTS[name];
    const before = this.queues.get(on) ?? Promise.resolve();
    const done = before.then(async () => {
      this.note(`${name} …`);
      const scene = Object.assign(Object.create(this.scene) as Scene, { random: new Random(seed) });
      const what = await inject(scene);
      if (scene.announcementDropped) this.scene.announcementDropped = true;
      if (what !== undefined) this.faults.push(name);
      this.note(`${name}: ${what ?? 'it did not come to it'}`);
    });
    this.queues.set(
      on,
      done.catch(() => undefined),
    );
    return done;
  }

  /** Waits for all that was begun, and for the deployment to be whole. */
  private async settle(problems: string[]): Promise<void> {
    for (const result of await Promise.allSettled(this.work)) {
      if (result.status === 'rejected') problems.push(`a step broke: ${(result.reason as Error).message}`);
    }
    for (const client of this.clients) client.comeBack();
    await Promise.all(this.deployment.nodes.map((node) => node.restart()));
    await Promise.all(this.all.map((client) => client.placed()));
  }

  /** One last event on every channel: whoever has got it, has got, or missed, all before it. */
  private async catchUp(): Promise<void> {
    const first = this.publisher.events.length;
    await this.publisher.publish(this.schedule.channels.map((channel) => ({ channel })));
    const last = new Map(this.publisher.events.slice(first).map(({ channel, id }) => [channel, id]));
    const behind = new Set(this.all);
    await until(
      () => {
        for (const client of behind) {
          const tail = new Set(client.messages.slice(-200).map(ownIdOf));
          if (client.channels.every((channel) => tail.has(last.get(channel)!))) behind.delete(client);
        }
        return behind.size === 0;
      },
      { timeout: CATCH_UP_MS, interval: 10 },
    ).catch(() => {
      this.note(`still behind after ${CATCH_UP_MS} ms: ${[...behind].map(({ name }) => name).join(', ')}`);
    });
  }

  private async conclude(problems: string[]): Promise<Outcome> {
    for (const result of await Promise.allSettled(this.all.map((client) => client.stop())))
      if (result.status === 'rejected') problems.push((result.reason as Error).message);
    const { events } = this.publisher;
    const { loss, scene } = this;
    loss.forks = await readForks((...command) => this.deployment.admin(...command), '{sse}');
    const counts = noCounts();
    for (const client of this.all) {
      const verdict = judge(client, { events, loss, announcementDropped: scene.announcementDropped });
      problems.push(...verdict.problems);
      for (const name of COUNTS) counts[name] += verdict.counts[name];
    }
    const { slowestFailure } = this.publisher;
    if (slowestFailure > FAST.publishTimeout! + LATE_MS) {
      problems.push(`a publish was rejected only after ${slowestFailure.toFixed(0)} ms`);
    }
    this.note(`failed attempts: ${JSON.stringify(Object.fromEntries(this.publisher.failures))}`);
    // The next schedule has channels of its own.
    await this.deployment.admin('UNLINK', ...this.schedule.channels.map((channel) => `{sse}:log:${channel}`));
    const connections = this.all.reduce((sum, client) => sum + client.connections, 0);
    return {
      counts,
      slowestFailure,
      events: events.length,
      connections,
      faults: this.faults,
      problems,
      log: this.log,
    };
  }

  private pickNode() {
    const { living, nodes } = this.deployment;
    return this.random.pick(living.length > 0 ? living : nodes);
  }
}
