import { hasShardedPubSub, TestCluster, until, type RedisServer } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { SseRegistry } from 'nestjs-sse-redis';
import { Hubs } from '../hub/hubs.js';

/** How many commands a server has refused since some of their keys were not there. */
async function refusals(server: RedisServer): Promise<number> {
  const [, count = 0] =
    /errorstat_TRYAGAIN:count=(\d+)/.exec(String(await server.cli('INFO', 'errorstats'))) ?? [];
  return Number(count);
}

(hasShardedPubSub() ? describe : describe.skip)(
  'a client that comes while the slot of the registry moves',
  () => {
    const hubs = Hubs.over('memory');
    let cluster: TestCluster;

    beforeAll(async () => {
      cluster = await TestCluster.start({ replicas: 0, nodeTimeout: 15_000 });
    });
    afterAll(() => cluster?.stop());

    it('waits for it, and its stream begins', async () => {
      const prefix = randomUUID();
      const options = { prefix, redis: cluster.connection, connectTimeout: 60_000, publishTimeout: 60_000 };
      const test = await hubs.start(options);
      await test.client(['news']);
      const migration = await cluster.startMigration(`{${prefix}}`);
      await migration.moveKey(`{${prefix}}:reg2:nodes`);
      const before = await refusals(migration.source);
      const opening = test.client(['news']);
      opening.catch(() => undefined);
      await until(async () => (await refusals(migration.source)) > before + 1);
      await migration.finish();
      await opening;
      expect(await test.running.app.get(SseRegistry).count({ channel: 'news' })).toBe(2);
    });
  },
);
