import { Random, until } from '@nestjs-sse-redis/testing';
import { setTimeout as pause } from 'node:timers/promises';
import type { AppNode } from './app-node.js';
import type { ClusterDeployment } from './cluster-deployment.js';
import type { ClusterFault } from './cluster-faults.js';
import { CHOSEN_CLIENT, connectClient } from './connect-client.js';
import type { FaultClient } from './fault-client.js';
import { Publisher } from './publisher.js';
import {
  COUNTS,
  DataLoss,
  identify,
  judge,
  noCounts,
  type Circumstances,
  type Counts,
  type LoggedEvent,
  type Verdict,
} from './verdict.js';
import { toReceptionOf } from './shard-reception.js';

const CHANNELS = 6;
/** FAULT_CROWD=4 for so many times the clients, in a long run. */
const CROWD = Number(process.env['FAULT_CROWD'] ?? 1);
/** Those that stay where they are, by the number of their node, and then those that come back all the time. */
const STEADY = Array.from({ length: CROWD }, () => [0, 0, 1, 1, 2, 2, 2, 2]).flat();
const RESTLESS = 4 * CROWD;
const EVENTS_AT_ONCE = 3;
const PUBLISH_EVERY_MS = 20;
/** Publishes that wait for Redis; more are not begun. */
const MOST_WAITING = 40;
const DROP_EVERY_MS = 60;
/** Before the fault, and behind it. */
const CALM_MS = 300;

/** What a fault led to. */
export interface ClusterOutcome {
  readonly counts: Counts;
  readonly events: number;
  /** Events that were acknowledged and are in no log. */
  readonly acknowledgedAndLost: number;
  readonly connections: number;
  /** How long after its publish was acknowledged each event came to each client that stayed, ms. */
  readonly delays: readonly number[];
  /** Attempts to publish that failed, by code. */
  readonly failures: ReadonlyMap<string, number>;
  readonly problems: readonly string[];
  /** What the client of the control got, and how late (ms). */
  readonly control: { readonly counts: Counts; readonly latest: number } | undefined;
}

let runs = 0;

/** Runs one fault under load on a deployment that is whole, and leaves it whole. */
export class ClusterRun {
  private readonly channels: string[];
  private readonly clients: FaultClient[] = [];
  private controlled: FaultClient | undefined;
  private readonly publisher = new Publisher(() => this.random.pick(this.talking));
  private readonly work = new Set<Promise<void>>();
  private readonly problems: string[] = [];
  private readonly random = new Random(++runs);
  private readonly ending = new AbortController();

  /** @param control a node without a protection, with a client that is judged apart */
  constructor(
    private readonly deployment: ClusterDeployment,
    private readonly fault: ClusterFault,
    private readonly control?: AppNode,
  ) {
    this.channels = Array.from({ length: CHANNELS }, (_, i) => `${runs}:${'abcdef'[i]}`);
  }

  async run(): Promise<ClusterOutcome> {
    const { deployment, fault } = this;
    deployment.nextTarget();
    if (fault.elects) await deployment.prepareElection();
    this.connectClients();
    await Promise.all(this.all.map((client) => client.placed()));
    const loads = [
      this.every(PUBLISH_EVERY_MS, () => this.publish()),
      this.every(DROP_EVERY_MS, () => this.drop()),
    ];
    await pause(CALM_MS);
    await fault.inject(deployment);
    await pause(CALM_MS);
    this.ending.abort();
    await Promise.all([...loads, ...this.work]);
    await this.catchUp();
    return this.conclude();
  }

  private get all(): readonly FaultClient[] {
    return this.controlled ? [...this.clients, this.controlled] : this.clients;
  }

  /** Nodes that publish, and to which clients come back. Nobody tells the quiet one that a slot has moved. */
  private get talking(): readonly AppNode[] {
    return this.deployment.nodes.slice(0, 2);
  }

  private connectClients(): void {
    const { nodes } = this.deployment;
    for (const node of STEADY.map((i) => nodes[i]!)) {
      this.clients.push(this.connect(`client ${this.clients.length} at ${node.name}`, () => node));
    }
    const pick = () => this.random.pick(this.fault.elects ? nodes : this.talking);
    for (let i = 0; i < RESTLESS; i++) this.clients.push(this.connect(`restless client ${i}`, pick));
    const { control } = this;
    if (control) this.controlled = connectClient(CHOSEN_CLIENT, 'control', this.channels, () => control.url);
  }

  private connect(name: string, pickNode: () => AppNode): FaultClient {
    const channels = this.random.shuffle(this.channels).slice(0, 2 + this.random.int(CHANNELS - 1));
    return connectClient(CHOSEN_CLIENT, name, channels, () => pickNode().url);
  }

  private async every(ms: number, act: () => void): Promise<void> {
    while (!this.ending.signal.aborted) {
      act();
      await pause(ms);
    }
  }

  private publish(): void {
    if (this.work.size >= MOST_WAITING) return;
    const drafts = Array.from({ length: EVENTS_AT_ONCE }, () => ({
      channel: this.random.pick(this.channels),
    }));
    const done = this.publisher
      .publish(drafts)
      .catch((error: Error) => void this.problems.push(`a publish broke: ${error.message}`))
      .finally(() => this.work.delete(done));
    this.work.add(done);
  }

  private drop(): void {
    for (let i = 0; i < CROWD; i++) this.random.pick(this.clients.slice(-RESTLESS)).drop();
  }

  /** One last event on every channel: whoever has got it, has got, or missed, all before it. */
  private async catchUp(): Promise<void> {
    const first = this.publisher.events.length;
    await this.publisher.publish(this.channels.map((channel) => ({ channel })));
    const last = new Map(this.publisher.events.slice(first).map(({ channel, id }) => [channel, id]));
    const behind = new Set(this.all);
    await until(
      () => {
        for (const client of behind) {
          if (client.channels.every((channel) => client.arrivals.has(last.get(channel)!)))
            behind.delete(client);
        }
        return behind.size === 0;
      },
      { timeout: 30_000, interval: 10 },
    ).catch(() => this.problems.push(`still behind: ${[...behind].map(({ name }) => name).join(', ')}`));
  }

  private async conclude(): Promise<ClusterOutcome> {
    const { deployment, publisher, problems } = this;
    const surviving = await deployment.readLogs(this.channels);
    const unlogged = this.findUnlogged(surviving);
    const acknowledged = new Set(publisher.events.map(identify));
    const shards = await Promise.all(
      Array.from({ length: deployment.map.count }, (_, shard) =>
        this.findCircumstances(shard, surviving, unlogged, acknowledged),
      ),
    );
    await this.waitForNotices(shards);
    await Promise.all(this.all.map((client) => client.stop()));
    if (!this.fault.mayLose && unlogged.length > 0)
      problems.push(`no log has ${unlogged.map(identify).join(', ')}`);
    const doubled = surviving.length - new Set(surviving.map(({ key }) => key)).size;
    if (doubled > 0) problems.push(`logs have ${doubled} events twice`);
    const counts = noCounts();
    for (const client of this.clients) {
      const verdict = this.judge(client, shards);
      problems.push(...verdict.problems);
      for (const name of COUNTS) counts[name] += verdict.counts[name];
    }
    await deployment.forget(this.channels);
    return {
      counts,
      events: surviving.length,
      acknowledgedAndLost: unlogged.filter((event) => acknowledged.has(identify(event))).length,
      connections: this.clients.reduce((sum, client) => sum + client.connections, 0),
      delays: this.measureDelays(surviving, this.clients.slice(0, STEADY.length)),
      control: this.controlled && {
        counts: this.judge(this.controlled, shards).counts,
        latest: Math.max(...this.measureDelays(surviving, [this.controlled])),
      },
      failures: publisher.failures,
      problems,
    };
  }

  private async findCircumstances(
    shard: number,
    surviving: readonly LoggedEvent[],
    unlogged: readonly LoggedEvent[],
    acknowledged: ReadonlySet<string>,
  ): Promise<Circumstances> {
    const { deployment, fault } = this;
    const isHere = ({ channel }: LoggedEvent) => deployment.map.of(channel) === shard;
    const loss = new DataLoss();
    loss.masterLost = fault.mayLose;
    loss.forks = await deployment.readForks(shard);
    loss.unlogged = unlogged.filter(isHere);
    loss.acknowledged = acknowledged;
    const events = surviving.flatMap((event) => (isHere(event) ? [{ ...event, doubtful: false }] : []));
    return { events, loss, announcementDropped: false };
  }

  /** Nothing is promised of the order of events of two shards. */
  private judge(client: FaultClient, shards: readonly Circumstances[]): Verdict {
    const { map } = this.deployment;
    const counts = noCounts();
    const problems: string[] = [];
    for (const [shard, circumstances] of shards.entries()) {
      if (!client.channels.some((channel) => map.of(channel) === shard)) continue;
      const verdict = judge(toReceptionOf(shard, map, client), circumstances);
      problems.push(...verdict.problems);
      for (const name of COUNTS) counts[name] += verdict.counts[name];
    }
    return { counts, problems };
  }

  /** All processes live on: each client is told of what they had acknowledged and a failover lost. */
  private async waitForNotices(shards: readonly Circumstances[]): Promise<void> {
    const untold = () => this.clients.filter((client) => this.judge(client, shards).counts.goneUnseen > 0);
    await until(() => untold().length === 0, { interval: 50 }).catch(() => {
      const names = untold().map(({ name }) => name);
      this.problems.push(`not told of what was acknowledged and lost: ${names.join(', ')}`);
    });
  }

  /** What was acknowledged, or came to a client, and did not survive. */
  private findUnlogged(surviving: readonly LoggedEvent[]): LoggedEvent[] {
    const known = new Set(surviving.map(identify));
    const unlogged = new Map<string, LoggedEvent>();
    const received = this.all.flatMap((client) => client.eventsReceived);
    for (const event of [...this.publisher.events, ...received]) {
      const identity = identify(event);
      if (!known.has(identity)) unlogged.set(identity, event);
    }
    return [...unlogged.values()];
  }

  private measureDelays(events: readonly LoggedEvent[], clients: readonly FaultClient[]): number[] {
    return events.flatMap(({ id, key }) => {
      const acknowledged = this.publisher.acknowledgedAt.get(key) ?? Infinity;
      return clients.flatMap(({ arrivals }) => {
        const arrived = arrivals.get(id);
        return arrived === undefined ? [] : [Math.max(0, arrived - acknowledged)];
      });
    });
  }
}
