import { findRedisCli, type MigrationStep, type RedisServer, TestCluster, until } from '../src/index.js';

/** Failovers take seconds by Redis' own clock, and a busy machine makes them longer. */
const TIMEOUT = 120_000;

function role(node: RedisServer): Promise<string> {
  return node.cli('ROLE').then((reply) => (reply as [string])[0]);
}

describe('TestCluster', () => {
  let cluster: TestCluster;
  let tag = 0;
  let key: string;

  beforeAll(async () => {
    cluster = await TestCluster.start();
  }, TIMEOUT);
  afterAll(() => cluster?.stop());
  beforeEach(() => {
    key = `{test-${++tag}}:key`;
  });

  /**
   * The key of a test that takes the master away: all is in order, and the shard is one of which no node was elected just
   * now, since Redis would make it wait.
   */
  async function useShard(shard: number): Promise<void> {
    const pair = new Set([cluster.nodes[shard], cluster.nodes[shard + 3]]);
    await until(async () => (await cluster.masters()).length === 3);
    await until(async () => {
      const infos = await Promise.all(cluster.nodes.map((node) => node.cli('INFO', 'replication')));
      return infos.filter((info) => /master_link_status:up/.test(String(info))).length === 3;
    });
    const master = (await cluster.masters()).find((one) => pair.has(one))!;
    key = `${await cluster.tagOn(master, `test-${tag}`)}:key`;
    expect(await cluster.owner(key)).toBe(master);
  }

  it('starts with three masters and a replica each, all slots served, ports below those of the system', async () => {
    const [first, second, third, ...replicas] = cluster.nodes;
    expect(await cluster.masters()).toEqual([first, second, third]);
    expect(replicas).toHaveLength(3);
    const all = [first!, second!, third!].map((master) => cluster.replicasOf(master));
    expect(await Promise.all(all)).toEqual(replicas.map((replica) => [replica]));
    for (const node of cluster.nodes) {
      expect(await node.cli('CLUSTER', 'INFO')).toMatch(
        /cluster_state:ok\r\ncluster_slots_assigned:16384\r\n/,
      );
      const buses = String(await node.cli('CLUSTER', 'NODES'))
        .match(/(?<=@)\d+/g)!
        .map(Number);
      expect(Math.max(node.port, ...buses)).toBeLessThan(32_768);
    }
  });

  it('names all nodes in the connection and in the URL', () => {
    const ports = cluster.nodes.map(({ port }) => port);
    expect(cluster.connection).toEqual({ cluster: ports.map((port) => ({ host: '127.0.0.1', port })) });
    expect(cluster.url).toMatch(/^redis\+cluster:\/\/(127\.0\.0\.1:\d+,){5}127\.0\.0\.1:\d+$/);
  });

  it('finds the slot of a hash tag, and the only master that takes its keys', async () => {
    expect(await cluster.slotOf('foo')).toBe(12_182);
    expect(await cluster.slotOf('{foo}:bar')).toBe(12_182);
    const owner = await cluster.owner('foo');
    expect(await owner.cli('SET', 'foo', 1)).toBe('OK');
    const others = cluster.nodes.filter((node) => node !== owner);
    for (const other of others) {
      await expect(other.cli('SET', 'foo', 1)).rejects.toThrow(`MOVED 12182 127.0.0.1:${owner.port}`);
    }
  });

  it('moves a slot with its keys to another master, in the documented steps', async () => {
    const source = await cluster.owner(key);
    const keys = ['a', 'b', 'c'].map((name) => `${key}:${name}`);
    for (const one of keys) await source.cli('SET', one, `value of ${one}`);
    const to = (await cluster.masters()).filter((master) => master !== source)[1]!;
    const steps: MigrationStep[] = [];
    const moved: string[] = [];
    const onStep = (step: MigrationStep, one?: string): void => {
      steps.push(step);
      if (one) moved.push(one);
    };

    expect(await cluster.migrate(key, { to, onStep, pause: 1 })).toBe(to);

    expect(steps).toEqual(['importing', 'migrating', 'key', 'key', 'key', 'target', 'source', 'others']);
    expect(moved.toSorted()).toEqual(keys);
    expect(await cluster.owner(key)).toBe(to);
    for (const one of keys) expect(await to.cli('GET', one)).toBe(`value of ${one}`);
    await expect(source.cli('GET', keys[0]!)).rejects.toThrow(`MOVED ${await cluster.slotOf(key)} `);
    expect(await source.cli('CLUSTER', 'COUNTKEYSINSLOT', await cluster.slotOf(key))).toBe(0);
  });

  it('stops in the midst of a migration, in which old keys are at the source and new ones are not', async () => {
    const migration = await cluster.startMigration(key);
    const { source, target, slot } = migration;
    // Nothing is in the slot yet, and the source sends a client on for what it has not.
    await expect(source.cli('SET', key, 1)).rejects.toThrow(`ASK ${slot} 127.0.0.1:${target.port}`);
    expect(await cluster.owner(key)).toBe(source);
    expect(await migration.finish()).toBe(target);
    await target.cli('SET', key, 1);

    const back = await cluster.startMigration(key, { to: source });
    expect(await target.cli('GET', key)).toBe('1');
    await back.moveKey(key);
    await expect(target.cli('GET', key)).rejects.toThrow(`ASK ${slot} 127.0.0.1:${source.port}`);
    expect(await back.finish()).toBe(source);
    expect(await source.cli('GET', key)).toBe('1');
  });

  it.each([
    [undefined, 0],
    ['FORCE', 1],
    ['TAKEOVER', 2],
  ] as const)(
    'makes a replica with the data the owner by a failover (%s), and all nodes name it',
    async (mode, shard) => {
      await useShard(shard);
      const old = await cluster.owner(key);
      const [replica] = await cluster.replicasOf(old);
      await old.cli('SET', key, 'value');
      await until(
        async () => (await replica!.cli('CLUSTER', 'COUNTKEYSINSLOT', await cluster.slotOf(key))) === 1,
      );

      expect(await cluster.failover(key, mode)).toBe(replica);

      expect(await replica!.cli('GET', key)).toBe('value');
      for (const node of cluster.nodes.filter((one) => one !== replica)) {
        await expect(node.cli('GET', key)).rejects.toThrow(/MOVED/);
      }
      await until(async () => (await cluster.replicasOf(replica!)).includes(old));
    },
    TIMEOUT,
  );

  it(
    'names the new owner after the master was killed, which comes back as its replica under its old id',
    async () => {
      await useShard(0);
      const old = await cluster.owner(key);
      const [replica] = await cluster.replicasOf(old);
      const id = await old.cli('CLUSTER', 'MYID');
      await old.kill();
      expect(await cluster.elected(key, old)).toBe(replica);
      await old.restart();
      expect(await old.cli('CLUSTER', 'MYID')).toBe(id);
      await until(async () => (await cluster.replicasOf(replica!)).includes(old));
    },
    TIMEOUT,
  );

  it(
    'lets a master fail that was brought back at once, and another one is elected',
    async () => {
      await useShard(0);
      const first = await cluster.findVictim(key);
      const replica = await cluster.failover(key, 'FORCE');
      expect(await cluster.failover(key, 'TAKEOVER')).toBe(first);
      // Just after this, the replica would take itself for elected, and nobody else would.
      expect(await cluster.findVictim(key)).toBe(first);
      await first.kill();
      expect(await cluster.elected(key, first)).toBe(replica);
      await cluster.agreed([await cluster.slotOf(key)], replica);
      await first.restart();
      await until(async () => (await cluster.replicasOf(replica)).includes(first));
    },
    TIMEOUT,
  );

  it(
    'names the new owner after the master was paused, which takes itself for the master until it hears',
    async () => {
      await useShard(1);
      const old = await cluster.owner(key);
      const [replica] = await cluster.replicasOf(old);
      const elected = cluster.elected(key, old);
      old.pause();
      expect(await elected).toBe(replica);
      await cluster.agreed([await cluster.slotOf(key)], replica!);
      old.resume();
      await until(async () => (await role(old)) === 'slave');
    },
    TIMEOUT,
  );

  it.each(['redis-cli, where there is one', 'single migrations'])(
    'moves many slots by %s',
    async (by) => {
      const [from, to] = (await cluster.masters()) as [RedisServer, RedisServer];
      const count = async (node: RedisServer): Promise<number> => {
        const own = /myself.* connected (.*)/.exec(String(await node.cli('CLUSTER', 'NODES')))![1]!;
        const ranges = own.split(' ').map((range) => range.split('-').map(Number) as [number, number?]);
        return ranges.reduce((sum, [first, last = first]) => sum + last - first + 1, 0);
      };
      const before = [await count(from), await count(to)] as const;
      await cluster.reshard({ from, to, slots: 5, cli: by === 'single migrations' ? false : findRedisCli() });
      expect([await count(from), await count(to)]).toEqual([before[0] - 5, before[1] + 5]);
    },
    TIMEOUT,
  );
});

describe('TestCluster without replicas', () => {
  it(
    'passes arguments on, names a killed master as the owner, and ends all nodes at its stop, also a paused one',
    async () => {
      const cluster = await TestCluster.start({
        masters: 2,
        replicas: 0,
        nodeTimeout: 500,
        args: ['--maxmemory', '5mb'],
      });
      const [first, second] = cluster.nodes as [RedisServer, RedisServer];
      expect(await first.cli('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', '5242880']);
      expect(await first.cli('CONFIG', 'GET', 'cluster-node-timeout')).toEqual([
        'cluster-node-timeout',
        '500',
      ]);
      expect(await cluster.replicasOf(first)).toEqual([]);
      const pids = cluster.nodes.map(({ pid }) => pid);
      const tag = await cluster.tagOn(first);
      await first.kill();
      expect(await cluster.owner(tag)).toBe(first);
      second.pause();
      await cluster.stop();
      expect(cluster.nodes.some(({ isRunning }) => isRunning)).toBe(false);
      for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    },
    TIMEOUT,
  );
});
