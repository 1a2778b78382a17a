import { jest } from '@jest/globals';
import { TestCluster, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { Commands } from '../../src/broker/redis/commands.js';
import { ShardMap } from '../../src/event/shard-map.js';
import { Hubs, type TestHub } from '../hub/hubs.js';
import { describeCluster } from './cluster-hubs.js';
import { actions, askThrough, readings } from './questions.js';

/** More than a slot takes to move, with the hub's keys, on a busy machine. */
const PATIENT = { publishTimeout: 60_000 };
const MOVES = 2;
const map = new ShardMap(3);

describeCluster('a hub of three shards, on a cluster', () => {
  const hubs = Hubs.over('memory');
  let cluster: TestCluster;
  let test: TestHub;
  let tags: string[];
  beforeAll(async () => {
    cluster = await TestCluster.start();
  });
  beforeEach(async () => {
    const prefix = randomUUID();
    test = await hubs.start({ redis: cluster.connection, shards: map.count, prefix, ...PATIENT });
    await test.hub.publish('news', { data: 'before' });
    // That of the registry, and that of the channel.
    tags = [`{${prefix}}`, `{${map.tagOf(map.of('news'), prefix)}}`];
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => cluster?.stop());

  async function moveSlots(): Promise<void> {
    for (let i = 0; i < MOVES; i++) for (const tag of tags) await cluster.migrate(tag);
    await until(async () => (await test.hub.readiness()).ready);
  }

  it('answers what the application asks while its slots move', async () => {
    expect(await askThrough({ ...readings(test), ...actions(test) }, moveSlots)).toEqual([]);
  });

  it('refuses some of it where nothing waits for the new owner (negative control)', async () => {
    jest.spyOn(Commands.prototype as unknown as { mayPass(): boolean }, 'mayPass').mockReturnValue(false);
    expect(await askThrough(readings(test), moveSlots)).not.toEqual([]);
  });

  it('answers what the application asks while a replica takes over', async () => {
    const refused = await askThrough({ ...readings(test), ...actions(test) }, async () => {
      for (const tag of tags) await cluster.failover(tag);
      await until(async () => (await test.hub.readiness()).ready);
    });
    expect(refused).toEqual([]);
  });
});
