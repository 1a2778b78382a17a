import { TestCluster, until } from '@nestjs-sse-redis/testing';
import { dataOf, publication, publishAll } from './broker-set-ups.js';
import { ClusterHubs, describeCluster } from './cluster-hubs.js';

const hubs = new ClusterHubs();
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ replicas: 0 });
});
afterAll(() => cluster?.stop());

describeCluster('a link that is made anew while a slot is on its way', () => {
  it('stands as soon as events are published: its probe needs no key that is not there', async () => {
    const { broker, heard } = await hubs.works({ redis: cluster.url });
    const migration = await cluster.startMigration(hubs.tag);
    broker.renewLink();
    await until(() => heard.link.at(-1)?.startsWith('restored'));
    await publishAll(broker, publication('a', 'on the way'));
    await until(() => heard.data.includes('on the way'));
    await migration.finish();
  });

  it('reads what it missed from logs that are still there: no other key is asked for', async () => {
    const { broker } = await hubs.works({ redis: cluster.url });
    const migration = await cluster.startMigration(hubs.tag);
    const limits = { records: 10, bytes: 10_000 };
    const [slice] = await broker.read([{ channel: 'a', after: 0 }], limits);
    expect(slice!.records.map(dataOf)).toEqual(['begun']);
    expect(await broker.position()).toBeGreaterThan(0);
    expect(await broker.lastPositions(['a'], 1)).toHaveLength(1);
    expect(await broker.logStarts(['a'])).toEqual([{ after: expect.any(Number), isTrimmed: false }]);
    await migration.finish();
  });
});
