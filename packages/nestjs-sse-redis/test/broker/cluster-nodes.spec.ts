import { jest } from '@jest/globals';
import { RedisServer, Stopwatch, TcpProxy, TestCluster, until } from '@nestjs-sse-redis/testing';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { RedisRefusedError, RedisUnavailableError } from 'nestjs-sse-redis';
import { Subscription } from '../../src/broker/redis/subscription.js';
import { failureOf } from '../hub/hubs.js';
import { Heard, publication, publishAll } from './broker-set-ups.js';
import { ClusterHubs, describeCluster } from './cluster-hubs.js';

/** How long a partition lasts (ms). */
const OUTAGE = 3_000;

const hubs = new ClusterHubs();
let cluster: TestCluster;
const later: (() => unknown)[] = [];

beforeAll(async () => {
  cluster = await TestCluster.start({ replicas: 0 });
});
afterEach(async () => {
  for (const undo of later.splice(0)) await undo();
});
afterAll(() => cluster?.stop());

/** How many sockets this process opens. */
function countSockets(): { count: number } {
  const counter = { count: 0 };
  const onSocket = () => counter.count++;
  subscribe('net.client.socket', onSocket);
  later.push(() => unsubscribe('net.client.socket', onSocket));
  return counter;
}

const openSockets = (): number =>
  process.getActiveResourcesInfo().filter((resource) => /^TCPSocketWrap|^TCPConnectWrap/.test(resource))
    .length;

/** Servers that accept and are silent. */
async function startSilent(count: number): Promise<{ host: string; port: number }[]> {
  const servers = Array.from({ length: count }, () =>
    createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1'),
  );
  later.push(() => servers.map((server) => server.close()));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  return servers.map((server) => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }));
}

describeCluster('a node', () => {
  it('without the scripts is given them, after SCRIPT FLUSH and after a move', async () => {
    const member = await hubs.works({ redis: cluster.url });
    await Promise.all(cluster.nodes.map((node) => node.cli('SCRIPT', 'FLUSH')));
    expect(await publishAll(member.broker, publication('a', 1))).toHaveLength(1);
    await Promise.all(cluster.nodes.map((node) => node.cli('SCRIPT', 'FLUSH')));
    await hubs.follows(cluster, member);
  });

  it('apart from the others, which claims all slots, is not followed, whether epochs are told or not', async () => {
    // As one that was removed, and began a cluster of its own.
    const alone = await TestCluster.start({ masters: 1, replicas: 0 });
    later.push(() => alone.stop());
    for (const [user, ...rights] of [['epochs'], ['no-epochs', '-cluster|nodes']] as const) {
      // Not the one with the same epoch as the other.
      await until(async () => {
        hubs.prefix = randomUUID();
        return (await cluster.owner(hubs.tag)) !== cluster.nodes[0];
      });
      const settings = ['on', '>pw', '~*', '&*', '+@all', ...rights];
      for (const node of [...alone.nodes, ...cluster.nodes])
        await node.cli('ACL', 'SETUSER', user, ...settings);
      const nodes = [...alone.connection.cluster, ...cluster.connection.cluster];
      const { broker } = await hubs.join({ redis: { cluster: nodes, username: user, password: 'pw' } });
      await publishAll(broker, publication('a', 1));
      const keys = await Promise.all(cluster.nodes.map((node) => node.cli('KEYS', `${hubs.tag}*`)));
      expect(keys.flat().length).toBeGreaterThan(0);
      expect(await alone.nodes[0]!.cli('KEYS', '*')).toEqual([]);
    }
  });

  it('is found through others when the one that was given is gone', async () => {
    const seed = await TcpProxy.start({ target: cluster.nodes[0]!.port });
    later.push(() => seed.stop());
    const member = await hubs.works({ redis: `redis+cluster://127.0.0.1:${seed.port}` });
    await seed.stop();
    for (const node of cluster.nodes) await node.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await hubs.follows(cluster, member);
    expect(member.heard.link).toContain('lost');
  });

  it('is found through others when the one that was given was removed from the cluster', async () => {
    const args = ['--cluster-require-full-coverage', 'no'];
    const own = await TestCluster.start({ replicas: 0, args });
    later.push(() => own.stop());
    const [removed, ...kept] = own.nodes as [RedisServer, ...RedisServer[]];
    await until(async () => {
      hubs.prefix = randomUUID();
      return (await own.owner(hubs.tag)) !== removed;
    });
    const member = await hubs.works({ redis: `redis+cluster://127.0.0.1:${removed.port}` });
    const id = String(await removed.cli('CLUSTER', 'MYID'));
    await removed.cli('CLUSTER', 'RESET', 'HARD');
    for (const node of kept) await node.cli('CLUSTER', 'FORGET', id);
    for (const node of kept) await node.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await hubs.hears(member);
    expect(member.heard.link).toContain('lost');
  });
});

describeCluster('a start', () => {
  it('waits for a slot that is on the move', async () => {
    const migration = await cluster.startMigration(hubs.tag);
    const starting = hubs.join({ redis: cluster.url });
    await until(async () => /errorstat_ASK:/.test(String(await migration.source.cli('INFO', 'errorstats'))));
    await migration.finish();
    const { broker } = await starting;
    expect(await publishAll(broker, publication('a', 1))).toHaveLength(1);
  });

  it('waits for a cluster that is not up yet', async () => {
    const node = await RedisServer.start({ args: ['--cluster-enabled', 'yes'] });
    later.push(() => node.stop());
    const slot = Number(await node.cli('CLUSTER', 'KEYSLOT', hubs.tag));
    await node.cli('CLUSTER', 'ADDSLOTS', slot);
    const starting = hubs.join({ redis: `redis+cluster://127.0.0.1:${node.port}`, connectTimeout: 30_000 });
    await until(async () => /errorstat_CLUSTERDOWN:/.test(String(await node.cli('INFO', 'errorstats'))));
    const others = Array.from({ length: 16_384 }, (_, i) => i).filter((i) => i !== slot);
    await node.cli('CLUSTER', 'ADDSLOTS', ...others);
    expect(await publishAll((await starting).broker, publication('a', 1))).toHaveLength(1);
  });

  it('waits for a connection that is made anew behind the subscription, as after a refusal by the cluster', async () => {
    const broker = hubs.create({ redis: cluster.url, connectTimeout: 30_000 });
    // oxlint-disable-next-line unbound-method -- called with its own `this`
    const { start } = Subscription.prototype;
    jest.spyOn(Subscription.prototype, 'start').mockImplementation(async function (
      this: Subscription,
      channels,
    ) {
      await start.call(this, channels);
      const { command } = broker['connections'];
      command.disconnect(true);
      await until(() => command.status !== 'ready');
    });
    await broker.start(new Heard());
    expect(await publishAll(broker, publication('a', 1))).toHaveLength(1);
  });

  it('is refused with the reason where the slot does not arrive', async () => {
    const migration = await cluster.startMigration(hubs.tag);
    later.push(() => migration.finish());
    const failure = await failureOf(hubs.join({ redis: cluster.url, connectTimeout: 4_000 }));
    expect(failure).toBeInstanceOf(RedisRefusedError);
    expect(failure).toMatchObject({ code: 'REDIS_MIGRATING' });
  });

  it('leaves nothing behind where the nodes are silent, and the time is up', async () => {
    const before = openSockets();
    const nodes = await startSilent(12);
    const watch = Stopwatch.start();
    await failureOf(hubs.join({ redis: { cluster: nodes }, connectTimeout: 300 }));
    await until(() => openSockets() <= before);
    // Twelve of them, three a second, take four.
    expect(watch.stop()).toBeLessThan(2_500);
  });

  it('is ended by close() while the nodes are silent', async () => {
    const before = openSockets();
    const nodes = await startSilent(12);
    const broker = hubs.create({ redis: { cluster: nodes }, connectTimeout: 1_000 });
    const starting = failureOf(broker.start(new Heard()));
    await until(() => openSockets() > before);
    await broker.close();
    const watch = Stopwatch.start();
    await until(() => openSockets() <= before);
    expect(watch.stop()).toBeLessThan(2_500);
    expect((await starting).message).toContain('could not be reached');
  });

  it('is ended by close() while its slot is on the move', async () => {
    const migration = await cluster.startMigration(hubs.tag);
    later.push(() => migration.finish());
    const broker = hubs.create({ redis: cluster.url, connectTimeout: 60_000 });
    const starting = failureOf(broker.start(new Heard()));
    await until(async () => /errorstat_ASK:/.test(String(await migration.source.cli('INFO', 'errorstats'))));
    const watch = Stopwatch.start();
    await broker.close();
    await starting;
    expect(watch.stop()).toBeLessThan(10_000);
  });

  it('fails within connectTimeout, where more than one step has to wait', async () => {
    const connectTimeout = 4_000;
    const broker = hubs.create({ redis: cluster.url, connectTimeout });
    const watch = Stopwatch.start();
    const movedAt = performance.now() + connectTimeout / 2;
    // oxlint-disable-next-line unbound-method -- called with its own `this`
    const { start } = Subscription.prototype;
    jest.spyOn(Subscription.prototype, 'start').mockImplementation(async function (
      this: Subscription,
      channels,
    ) {
      if (performance.now() < movedAt) throw new RedisUnavailableError('The slot is on the move.');
      await start.call(this, channels);
      broker['connections'].command.disconnect();
    });
    expect(await failureOf(broker.start(new Heard()))).toBeInstanceOf(RedisUnavailableError);
    expect(watch.stop()).toBeLessThan(connectTimeout * 1.4);
  });

  it('is ended by close() at its last step', async () => {
    const broker = hubs.create({ redis: cluster.url, connectTimeout: 60_000 });
    // oxlint-disable-next-line unbound-method -- called with its own `this`
    const { start } = Subscription.prototype;
    jest.spyOn(Subscription.prototype, 'start').mockImplementation(async function (
      this: Subscription,
      channels,
    ) {
      await start.call(this, channels);
      await broker.close();
    });
    const watch = Stopwatch.start();
    const failure = await failureOf(broker.start(new Heard()));
    expect(failure).toBeInstanceOf(RedisUnavailableError);
    expect(watch.stop()).toBeLessThan(10_000);
  });
});

describeCluster('a master that hangs', () => {
  it('before it is replaced, and is connected to anew, holds nothing up afterwards', async () => {
    const own = await TestCluster.start({ masters: 1, replicas: 1 });
    later.push(() => own.stop());
    const { proxies, redis } = await startProxies(own.nodes);
    const member = await hubs.works({ redis });
    own.nodes[0]!.pause();
    for (const proxy of proxies) proxy.cut();
    await until(() => member.heard.link.includes('lost'));
    // It is still the owner for all: connections lead there, and are accepted by its system.
    const sockets = countSockets();
    await until(() => sockets.count >= 4);
    await own.failover(hubs.tag, 'TAKEOVER');
    const watch = Stopwatch.start();
    await hubs.hears(member);
    // Less than `socketTimeout`, by which a connection that was made to it would be given up.
    expect(watch.stop()).toBeLessThan(8_000);
  });
});

describeCluster('hundreds of channels', () => {
  it('are moved by one new connection', async () => {
    const { broker, heard } = await hubs.works({ redis: cluster.url });
    await Promise.all(Array.from({ length: 600 }, (_, i) => broker.subscribe(`channel ${i}`)));
    const sockets = countSockets();
    await cluster.migrate(hubs.tag);
    await until(() => heard.link.some((change) => change.startsWith('restored')));
    await hubs.hears({ broker, heard });
    // Nodes learn of a move one after another: the first new connection may lead to the old one.
    expect(heard.link.filter((change) => change === 'lost').length).toBeLessThanOrEqual(3);
    expect(sockets.count).toBeLessThan(30);
  });
});

/** In front of each node one that a partition can be put into, and where each node is then. */
async function startProxies(nodes: readonly RedisServer[] = cluster.nodes) {
  const proxies = await Promise.all(nodes.map(({ port }) => TcpProxy.start({ target: port })));
  later.push(() => Promise.all(proxies.map((proxy) => proxy.stop())));
  const at = proxies.map(({ port }) => ({ host: '127.0.0.1', port }));
  const natMap = Object.fromEntries(nodes.map(({ port }, i) => [`127.0.0.1:${port}`, at[i]!]));
  return { proxies, redis: { cluster: at, natMap } };
}

describeCluster('a partition', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['refuses', (socket) => void socket.destroy()],
    ['is silent', (socket) => void socket.resume()],
  ])('of everything, which %s, makes few connections a second', async (_, answer) => {
    const { proxies, redis } = await startProxies();
    const member = await hubs.works({ redis });
    const times: number[] = [];
    const trap = createServer((socket) => {
      times.push(performance.now());
      answer(socket.on('error', () => {}));
    }).listen(0, '127.0.0.1');
    later.push(() => trap.close());
    await once(trap, 'listening');
    for (const proxy of proxies) {
      proxy.target = (trap.address() as AddressInfo).port;
      proxy.cut();
    }
    await delay(OUTAGE);
    // Each search asks all three. Each of the two connections begins one, at most each 375 ms, and two at once.
    expect(times.length).toBeLessThan(3 * 2 * (OUTAGE / 375 + 2));
    expect(times.length).toBeGreaterThan(3);
    for (const [i, proxy] of proxies.entries()) {
      proxy.target = cluster.nodes[i]!.port;
      proxy.cut();
    }
    await hubs.hears(member);
    expect(hubs.warnings).toHaveLength(1);
  });
});
