import { Random, until, useRedis } from '@nestjs-sse-redis/testing';
import { RunScene, runFaults, TOLD_WITHIN_MS } from './run-faults.js';

const redis = useRedis();

/** `RUN_SEEDS=50` for two runs of each of 50 seeds, and one more behind each. */
const SEEDS = Number(process.env['RUN_SEEDS'] ?? 4);
const ROUND_MS = 60_000;

describe('runs whose processes are killed, paused and stopped', () => {
  let scene: RunScene;

  beforeAll(async () => {
    scene = await RunScene.start(redis.url);
  }, ROUND_MS);
  afterAll(() => scene.stop());

  it(
    'gives every reader the whole answer in order, or its end once',
    async () => {
      const faults: string[] = [];
      const outcomes: Record<string, number> = {};
      const told: number[] = [];
      for (let seed = 1; seed <= SEEDS; seed++) {
        const fault = runFaults[seed % runFaults.length]!;
        const result = await scene.round(new Random(seed), fault);
        faults.push(...result.faults.map((text) => `seed ${seed}, ${fault}: ${text}`));
        for (const outcome of result.outcomes) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        if (result.toldAfter !== undefined) told.push(result.toldAfter);
      }
      process.stdout.write(
        `runs: ${SEEDS} seeds, readers ${JSON.stringify(outcomes)}, told of a killed process after at most ${Math.round(Math.max(0, ...told))} ms of ${TOLD_WITHIN_MS}\n`,
      );
      expect(faults).toEqual([]);
      // Processes beside busy loops sweep late.
      expect(Math.max(0, ...told)).toBeLessThan(3 * TOLD_WITHIN_MS);
    },
    SEEDS * ROUND_MS,
  );
});

describe('runs of processes with a protection off', () => {
  let scene: RunScene | undefined;

  afterEach(() => scene?.stop());

  const preload = (...names: string[]): string[] =>
    names.flatMap((name) => ['--import', new URL(`./${name}.ts`, import.meta.url).href]);

  it(
    'stores nothing of a run that was interrupted, though its process does not ask for its lease',
    async () => {
      scene = await RunScene.start(redis.url, preload('no-run-gate'));
      expect(await scene.sleepThrough(new Random(1))).toEqual([]);
    },
    ROUND_MS,
  );

  it(
    'finds tokens of one run in another where nothing is fenced (negative control)',
    async () => {
      scene = await RunScene.start(redis.url, preload('no-run-gate', 'no-run-fence'));
      expect((await scene.sleepThrough(new Random(1))).join()).toMatch(/token \d+ is/);
    },
    ROUND_MS,
  );

  it(
    'finds a reader that waits where nobody ends the runs of a dead process (negative control)',
    async () => {
      scene = await RunScene.start(redis.url, preload('no-run-sweep'));
      const random = new Random(1);
      const [owner] = scene.processes;
      const run = await scene.run(owner!, {});
      const reader = scene.read(run, random);
      await scene.reach(reader, 100);
      await scene.strike('kill', owner!, run.channel);
      // The sweep is over when the registry has let go of the process.
      const nodes = `{${scene.prefix}}:reg2:nodes`;
      await until(async () => (await redis.cli('ZCARD', nodes)) === 2);
      await scene.publish(run.channel, 'after the sweep');
      await until(() => reader.tokens.at(-1) === 'after the sweep');
      expect(reader.client.ledger.every(({ type }) => type === 'message')).toBe(true);
    },
    ROUND_MS,
  );
});
