import { hasShardedPubSub, TestCluster, until } from '@nestjs-sse-redis/testing';
import { Cluster } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { createPublisher } from '../../src/publisher/index.js';
import { failureOf, Hubs } from '../hub/hubs.js';
import { readRights } from './documented-rights.js';
import { CLUSTER_SCRIPT, keysOf, SCRIPT, toArguments, type ForeignEvent } from './foreign-publisher.js';

const CHANNELS = ['a', 'b', 'c', 'd', 'e', 'f'];
/** ms. A node has a second to answer the question for its slots, which a busy machine may miss a few times. */
const connectTimeout = 60_000;
const describeCluster = hasShardedPubSub() ? describe : describe.skip;

describeCluster('publishing to a hub on a cluster', () => {
  const hubs = Hubs.over('memory');
  let cluster: TestCluster;
  let client: Cluster;

  beforeAll(async () => {
    cluster = await TestCluster.start({ replicas: 0, nodeTimeout: 15_000 });
    client = new Cluster(cluster.connection.cluster, { slotsRefreshTimeout: 30_000 });
  });
  afterAll(async () => {
    client?.disconnect();
    await cluster?.stop();
  });

  const evaluate = (keys: readonly string[], event: ForeignEvent, script = CLUSTER_SCRIPT) =>
    client.call('EVAL', script, ...toArguments(keys, event)) as Promise<string>;

  it.each([1, 3])(
    'publishes what clients of a hub of %i shards receive, in order with the hub',
    async (shards) => {
      const prefix = randomUUID();
      const test = await hubs.start({ redis: cluster.connection, connectTimeout, prefix, shards });
      for (const channel of CHANNELS) {
        const stream = await test.client([channel]);
        const ids: string[] = [];
        for (let i = 0; i < 10; i++) {
          const event = { kind: 'json', type: 'tick', data: String(i) } as const;
          if (i % 2 === 0) ids.push(await evaluate(keysOf(channel, { prefix, shards }), event));
          else ids.push((await test.hub.publish(channel, { type: 'tick', data: i })).id);
        }
        const messages = await stream.waitFor(10);
        expect(messages.map(({ id, data }) => [id, Number(data)])).toEqual(ids.map((id, i) => [id, i]));
      }
    },
  );

  it('createPublisher() publishes with the rights that the docs name for a cluster', async () => {
    const prefix = randomUUID();
    const { hub } = await hubs.start({ redis: cluster.connection, connectTimeout, prefix });
    const { script, cluster: more } = readRights();
    const tag = `{${prefix}}`;
    const keys = [`~${tag}:*`, 'resetchannels', `&${tag}:*`];
    for (const node of cluster.nodes)
      await node.cli('ACL', 'SETUSER', 'pub', 'reset', 'on', '>pw', ...keys, ...script, '+spublish', ...more);
    const redis = { ...cluster.connection, username: 'pub', password: 'pw' };
    await using publisher = createPublisher({ redis, prefix, publishTimeout: 60_000 });
    const { id } = await publisher.publish('a', { data: 1 });
    expect((await hub.history('a')).events).toMatchObject([{ id, data: 1 }]);
  });

  it('keeps the shard in ids where it is the first to write after a failover', async () => {
    const prefix = randomUUID();
    const shards = 3;
    const { hub, running } = await hubs.start({ redis: cluster.connection, connectTimeout, prefix, shards });
    const [channel] = CHANNELS as [string];
    const { id } = await hub.publish(channel, { data: 1 });
    await running.close();
    const keys = keysOf(channel, { prefix, shards });
    const replid = (await client.hget(keys[0]!, 'replid'))!;
    await client.hset(keys[0]!, 'replid', `0123456789${replid.slice(10)}`);
    const next = await evaluate(keys, { kind: 'json', data: '2' });
    expect(next.replace(/^\d+-\d+/, '')).toBe(`.1${id.slice(id.indexOf('@'))}`);
  });

  it('is the one for a cluster: the other one is refused, since nobody would hear it', async () => {
    const prefix = randomUUID();
    const test = await hubs.start({ redis: cluster.connection, connectTimeout, prefix });
    const keys = keysOf('a', { prefix });
    const event = { kind: 'json', data: '1' } as const;
    const { message } = await failureOf(evaluate(keys, event, SCRIPT));
    expect(message).toMatch(/^WRONG_SCRIPT this is a Redis Cluster: run publish-event\.cluster\.lua/);
    // Without the check, streams get it when the loss is found, and not before (negative control).
    const [listener, other] = [await test.listener('a'), await test.listener('b')];
    const unchecked = SCRIPT.replace('  checkServer()\n', '');
    expect(unchecked).not.toBe(SCRIPT);
    const silent = await evaluate(keys, event, unchecked);
    const heard = await evaluate(keysOf('b', { prefix }), event);
    await until(() => other.ids.includes(heard));
    expect(listener.ids).not.toContain(silent);
  });
});
