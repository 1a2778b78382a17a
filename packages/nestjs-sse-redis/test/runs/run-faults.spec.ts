import { Random, useRedis } from '@nestjs-sse-redis/testing';
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
