import { AppProcess, startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';

const redis = useRedis();
const EVENTS = 200;
/** Far fewer than the negative control repeats: all since the beginning, 10 and more than 100. */
const REPEATED = 50;
const CONTROL = ['--import', new URL('./no-position.ts', import.meta.url).href];

interface Handled {
  readonly n: number;
  readonly pid: number;
}

/** Three processes with listeners, and a hub that publishes to them and reads what they say they did. */
class Scene {
  readonly processes: AppProcess[] = [];

  private constructor(
    private readonly options: SseRedisOptions,
    private readonly app: RunningApp,
    private readonly execArgv: string[],
  ) {}

  static async start(execArgv: string[] = []): Promise<Scene> {
    const options = {
      redis: redis.url,
      prefix: randomUUID(),
      registry: { leaseTtl: 1_000, sweepInterval: 250 },
    };
    const app = await startApp({ imports: [SseRedisModule.forRoot(options)] }, 'express');
    const scene = new Scene(options, app, execArgv);
    await Promise.all([0, 1, 2].map(() => scene.add()));
    return scene;
  }

  get hub(): SseHub {
    return this.app.app.get(SseHub);
  }

  async add(): Promise<void> {
    const { options, execArgv } = this;
    const args = ['express', JSON.stringify(options)];
    this.processes.push(
      await AppProcess.start(new URL('./listener.process.ts', import.meta.url), { args, execArgv }),
    );
  }

  async publish(channel: string, from: number, count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, i) => ({ channel, data: from + i }));
    await this.hub.publishMany(events);
  }

  async handled(channel: string): Promise<Handled[]> {
    const { events } = await this.hub.history(channel, { limit: 1_000 });
    return events.map(({ data }) => data as Handled);
  }

  /** Waits until so many different events of a channel have been handled. */
  reach(channel: string, count: number): Promise<Handled[]> {
    return until(
      async () => {
        const handled = await this.handled(channel);
        return new Set(handled.map(({ n }) => n)).size >= count && handled;
      },
      { timeout: 60_000 },
    );
  }

  /** Kills the process that handled the last event. */
  async killOwner(): Promise<void> {
    const { pid } = (await this.handled('handled')).at(-1)!;
    const owner = this.processes.find((process) => process.pid === pid)!;
    await owner.kill();
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.kill()));
    await this.app.close();
  }
}

/** How often another process handled an event than the one before. */
const changes = (handled: readonly Handled[]) =>
  handled.filter(({ pid }, i) => i > 0 && pid !== handled[i - 1]!.pid).length;

/** Where an event does not follow the one before: how far back it is. An event that is left out goes forward. */
const findJumps = (handled: readonly Handled[]) =>
  handled.flatMap(({ n, pid }, i) => {
    const before = handled[i - 1] ?? { n: -1, pid };
    if (n === before.n + 1) return [];
    return [{ isOtherProcess: pid !== before.pid, back: n > before.n ? Infinity : before.n + 1 - n }];
  });

/** Has two owners killed while events come. */
async function killTwo(scene: Scene): Promise<Handled[]> {
  await scene.publish('jobs', 0, EVENTS / 2);
  await scene.reach('handled', 10);
  await scene.killOwner();
  await scene.publish('jobs', EVENTS / 2, EVENTS / 2);
  await scene.reach('handled', EVENTS / 2 + 10);
  await scene.killOwner();
  return scene.reach('handled', EVENTS);
}

it('handles each event in one process of three, in order, and repeats only the last ones of a killed process', async () => {
  const scene = await Scene.start();
  try {
    await until(async () => (await scene.hub.runOf('listener:Worker.onJob:jobs')) !== undefined);
    const handled = await killTwo(scene);
    expect(changes(handled)).toBeLessThanOrEqual(2);
    // Another process goes on at most as many events back as wait for their positions to be stored.
    expect(findJumps(handled).every(({ isOtherProcess, back }) => isOtherProcess && back <= REPEATED)).toBe(
      true,
    );
    expect(findJumps(handled).length).toBeLessThanOrEqual(2);
    // In the one process that is left.
    await scene.publish('caches', 0, 5);
    expect(await scene.reach('dropped', 5)).toHaveLength(5);
  } finally {
    await scene.stop();
  }
});

it('repeats all events where the position is not looked for (negative control)', async () => {
  const scene = await Scene.start(CONTROL);
  try {
    const handled = await killTwo(scene);
    expect(handled.length).toBeGreaterThan(EVENTS + 2);
  } finally {
    await scene.stop();
  }
});
