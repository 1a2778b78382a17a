import { useRedis } from '@nestjs-sse-redis/testing';
import { RunScene } from './run-faults.js';
import type { RunRequest } from './runs.process.js';

const redis = useRedis();
const STARTS = 200;

describe('many starts of a run at once', () => {
  let scene: RunScene;

  beforeAll(async () => {
    scene = await RunScene.start(redis.url);
  });
  afterAll(() => scene.stop());

  it.each(['join', 'refuse'] as const)(
    'has one producer of 200 on three processes with onExisting: %s',
    async (onExisting) => {
      const channel = `starts:${onExisting}`;
      const request: RunRequest = { kind: 'run', channel, label: 'x', tokens: 2_000, onExisting };
      const starts = Array.from({ length: STARTS }, (_, i) =>
        scene.processes[i % 3]!.request<{ id: string; isNew: boolean }>(request).catch((error: Error) => ({
          refused: error.message,
        })),
      );
      const results = await Promise.all(starts);
      const runs = results.filter((result) => 'id' in result);
      expect(runs.filter(({ isNew }) => isNew)).toHaveLength(1);
      expect(new Set(runs.map(({ id }) => id)).size).toBe(1);
      expect(runs).toHaveLength(onExisting === 'join' ? STARTS : 1);
      const producers = scene.processes.map((node) =>
        node.request<number>({ kind: 'producers', channel } satisfies RunRequest),
      );
      expect((await Promise.all(producers)).reduce((sum, count) => sum + count, 0)).toBe(1);
    },
  );
});
