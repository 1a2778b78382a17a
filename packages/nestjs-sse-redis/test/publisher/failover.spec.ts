import { jest } from '@jest/globals';
import { hasShardedPubSub, TestCluster, TestSentinel, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { SentinelWatch } from '../../src/broker/redis/sentinel-watch.js';
import { createPublisher, type PublisherOptions, type SsePublisher } from '../../src/publisher/index.js';
import { Hubs } from '../hub/hubs.js';
const hubs = Hubs.over('memory');
afterEach(() => jest.restoreAllMocks());

function publisherOn(options: PublisherOptions): SsePublisher {
  const publisher = createPublisher(options);
  hubs.closeLater(() => publisher.close());
  return publisher;
}

describe('a planned failover of Sentinel whose old master lives on', () => {
  /** Whether what is published reaches the new master before the old one is turned into a replica, which closes connections. */
  async function isFollowed(): Promise<boolean> {
    const sentinel = await TestSentinel.start();
    hubs.closeLater(() => sentinel.stop());
    const publisher = publisherOn({ redis: sentinel.connection, prefix: randomUUID() });
    await publisher.publish('marks', { data: 'before' });
    const old = await sentinel.master();
    const next = await sentinel.failover();
    return until(async () => {
      const marker = randomUUID();
      await publisher.publish(marker, { data: 'mark' });
      const isThere = ((await next.cli('KEYS', `*${marker}*`)) as string[]).length > 0;
      const [role] = (await old.cli('ROLE')) as string[];
      return (isThere || role === 'slave') && { isFollowed: isThere && role === 'master' };
    }).then((outcome) => outcome.isFollowed);
  }

  it('is followed by a publisher', async () => {
    expect(await isFollowed()).toBe(true);
  });

  it('is not, where Sentinel is not watched (negative control)', async () => {
    jest.spyOn(SentinelWatch.prototype, 'start').mockImplementation(() => {});
    expect(await isFollowed()).toBe(false);
  });
});

(hasShardedPubSub() ? it : it.skip)(
  'a slot that moves is followed by a publisher, which loses and doubles nothing',
  async () => {
    const cluster = await TestCluster.start({ replicas: 0, nodeTimeout: 15_000 });
    hubs.closeLater(() => cluster.stop());
    const prefix = randomUUID();
    const test = await hubs.start({ redis: cluster.connection, prefix });
    const publisher = publisherOn({ redis: cluster.connection, prefix });
    const client = await test.client(['news']);
    const ids: string[] = [];
    let isOver = false;
    const publishing = (async () => {
      for (let data = 0; !isOver; data++) ids.push((await publisher.publish('news', { data })).id);
    })();
    await until(() => ids.length > 20);
    for (let moves = 0; moves < 2; moves++) {
      const before = ids.length;
      await cluster.migrate(`{${prefix}}`);
      await until(() => ids.length > before + 20);
    }
    isOver = true;
    await publishing;
    const messages = await client.waitFor(ids.length);
    expect(messages.map(({ id, data }) => [id, Number(data)])).toEqual(ids.map((id, i) => [id, i]));
  },
);
