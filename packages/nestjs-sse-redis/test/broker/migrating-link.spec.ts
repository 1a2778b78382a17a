import { TestCluster, until } from '@nestjs-sse-redis/testing';
import { publication, publishAll } from './broker-set-ups.js';
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
});
