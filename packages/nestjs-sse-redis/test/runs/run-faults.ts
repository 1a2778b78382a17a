import { AppProcess, Random, Stopwatch, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import type { RunInfo } from 'nestjs-sse-redis';
import type { RunRequest } from './runs.process.js';
import { RunReader, type ReadRun } from './run-reader.js';

/** Longer than a busy machine keeps a process from its renewal. */
export const LEASE_MS = 6_000;
export const SWEEP_MS = 500;
/** Within which a reader is told of the end of a run whose process died. */
export const TOLD_WITHIN_MS = LEASE_MS + SWEEP_MS + 1_000;
const TOKENS = 2_000;
const GIVE_UP_MS = 60_000;

export const runFaults = ['none', 'kill', 'pause', 'stop'] as const;
export type RunFault = (typeof runFaults)[number];

/** The result of a round. */
export interface RoundResult {
  readonly faults: readonly string[];
  /** Of each reader. */
  readonly outcomes: readonly string[];
  /** ms from the death of a process until the last reader of its run was told. */
  readonly toldAfter: number | undefined;
}

/** Three processes with runs, and readers that come, reload, change their process and leave. */
export class RunScene {
  private readonly nodes: AppProcess[] = [];
  private paused: AppProcess | undefined;
  private readonly readers: RunReader[] = [];
  private count = 0;

  private constructor(
    readonly prefix: string,
    private readonly options: string,
    private readonly execArgv: string[],
  ) {}

  /** @param execArgv of the processes, to turn a protection off */
  static async start(redis: string, execArgv: string[] = []): Promise<RunScene> {
    const prefix = randomUUID();
    const options = {
      redis,
      prefix,
      registry: { leaseTtl: LEASE_MS, sweepInterval: SWEEP_MS },
      history: { maxLength: 10_000 },
    };
    const scene = new RunScene(prefix, JSON.stringify(options), execArgv);
    const nodes = await Promise.all([0, 1, 2].map(() => scene.startNode()));
    scene.nodes.push(...nodes);
    return scene;
  }

  async stop(): Promise<void> {
    this.paused?.resume();
    await this.leave();
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  /** Two runs on two channels, one of which meets the fault, and then a second run on its channel. */
  async round(random: Random, fault: RunFault): Promise<RoundResult> {
    const [owner, other] = random.shuffle(this.nodes) as [AppProcess, AppProcess];
    const isDeaf = random.chance(0.5);
    const [hit, spared] = await Promise.all([this.run(owner, { isDeaf }), this.run(other, {})]);
    const readers = [hit, hit, spared].map((run) => this.read(run, random));
    await this.reach(readers[0]!, random.int(TOKENS / 4));
    readers.push(this.read(hit, random), this.read(spared, random));
    await this.reach(readers[0]!, (TOKENS * (0.25 + random.next() / 2)) | 0);
    for (const reader of readers) if (random.chance(0.5)) await reader.client.drop();
    const clock = Stopwatch.start();
    const recover = await this.strike(fault, owner, hit.channel);
    const ofHit = readers.filter(({ run }) => run === hit);
    await Promise.all(ofHit.map((reader) => reader.outcome()));
    const toldAfter = fault === 'kill' ? clock.elapsed : undefined;
    // As a user does who was told that the answer broke off, while the process that slept comes back.
    const again = await this.run(other, { channel: hit.channel });
    readers.push(this.read(again, random));
    await this.reach(readers.at(-1)!, TOKENS / 10);
    await recover();
    const outcomes = await Promise.all(readers.map((reader) => reader.outcome()));
    const faults = readers.flatMap((reader, i) => reader.findFaults(outcomes[i]!));
    faults.push(...findWrongOutcomes(readers, outcomes, fault, hit));
    await this.leave();
    return { faults, outcomes, toldAfter };
  }

  /** A process sleeps in the midst of its run, others end the run and begin another, and it wakes in the midst of that. */
  async sleepThrough(random: Random): Promise<readonly string[]> {
    const [owner, other] = this.nodes as [AppProcess, AppProcess];
    const asleep = await this.run(owner, { isDeaf: true, tokens: 20 * TOKENS });
    const first = this.read(asleep, random);
    await this.reach(first, TOKENS / 10);
    const wake = await this.strike('pause', owner, asleep.channel);
    const outcome = await first.outcome();
    // Long enough for the sleeper to come back in its midst, also on a busy machine.
    const again = await this.run(other, { channel: asleep.channel, tokens: 5 * TOKENS });
    const next = this.read(again, random);
    await this.reach(next, TOKENS / 10);
    await wake();
    return [...first.findFaults(outcome), ...next.findFaults(await next.outcome())];
  }

  async run(
    node: AppProcess,
    request: { readonly channel?: string; readonly isDeaf?: boolean; readonly tokens?: number },
  ): Promise<ReadRun> {
    const label = `r${this.count++}`;
    const { channel = `run:${label}`, isDeaf = false, tokens = TOKENS } = request;
    const message: RunRequest = { kind: 'run', channel, label, tokens, isDeaf };
    const { id } = await node.request<{ id: string; isNew: boolean }>(message);
    return { id, channel, label, tokens };
  }

  read(run: ReadRun, random: Random): RunReader {
    const reader = new RunReader(run, () => random.pick(this.awake).url, GIVE_UP_MS);
    this.readers.push(reader);
    return reader;
  }

  find(channel: string): Promise<RunInfo | undefined> {
    return this.awake[0]!.request({ kind: 'find', channel } satisfies RunRequest);
  }

  async publish(channel: string, data: string): Promise<void> {
    await this.awake[0]!.request({ kind: 'publish', channel, data } satisfies RunRequest);
  }

  /** Resolves when a reader has so many tokens, or has read all there is. */
  async reach(reader: RunReader, tokens: number): Promise<void> {
    let isOver = false;
    void reader
      .outcome()
      .finally(() => (isOver = true))
      .catch(() => undefined);
    await until(() => isOver || reader.tokens.length >= tokens);
  }

  get processes(): readonly AppProcess[] {
    return this.nodes;
  }

  /** @returns what undoes it */
  async strike(fault: RunFault, owner: AppProcess, channel: string): Promise<() => Promise<void>> {
    const place = this.nodes.indexOf(owner);
    if (fault === 'kill') {
      await owner.kill();
      this.nodes.splice(place, 1);
      return async () => void this.nodes.push(await this.startNode());
    }
    if (fault === 'pause') {
      owner.pause();
      this.paused = owner;
      // As pages do that hear no heartbeat.
      await Promise.all(
        this.readers
          .filter(({ client }) => client.stream.url.port === `${owner.port}`)
          .map(({ client }) => client.drop()),
      );
      return async () => {
        owner.resume();
        this.paused = undefined;
        await Promise.resolve();
      };
    }
    if (fault === 'stop') await this.awake.at(-1)!.request({ kind: 'stop', channel } satisfies RunRequest);
    return () => Promise.resolve();
  }

  private get awake(): AppProcess[] {
    return this.nodes.filter((node) => node !== this.paused && node.isRunning);
  }

  private async leave(): Promise<void> {
    await Promise.all(this.readers.splice(0).map((reader) => reader.stop()));
  }

  private startNode(): Promise<AppProcess> {
    return AppProcess.start(new URL('./runs.process.ts', import.meta.url), {
      args: [this.count % 2 === 0 ? 'express' : 'fastify', this.options],
      execArgv: this.execArgv,
    });
  }
}

/** A run that met no fault is done; one that did is told as what befell it, or was done before. */
function findWrongOutcomes(
  readers: readonly RunReader[],
  outcomes: readonly string[],
  fault: RunFault,
  hit: ReadRun,
): string[] {
  const wanted = { none: 'done', kill: 'interrupted', pause: 'interrupted', stop: 'stopped' }[fault];
  return readers.flatMap(({ run: { label } }, i) => {
    const outcome = outcomes[i]!;
    if (outcome === 'done' || (label === hit.label && outcome === wanted)) return [];
    return [`${label}: ended as ${outcome}`];
  });
}
