import { TestCluster, until } from '@nestjs-sse-redis/testing';
import { Cluster, type NatMap } from 'ioredis';
import { networkInterfaces } from 'node:os';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type AddressInfo, type LookupFunction } from 'node:net';
import { createServer } from 'node:tls';
import { RedisRefusedError, RedisUnavailableError } from 'nestjs-sse-redis';
import { certificate } from '../http/certificate.js';
import { failedStart, failureOf } from '../hub/hubs.js';
import { ClusterHubs, describeCluster } from './cluster-hubs.js';

/** Those of the README, for a hub with a prefix of its own. */
const README_RIGHTS = ['resetchannels', '+@all', '-@admin', '-@dangerous', '+info'];

const hubs = new ClusterHubs();
let cluster: TestCluster;
/** Not every machine has such an address. */
const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);
const itOverIpv6 = hasIpv6 ? it : it.skip;
const later: (() => unknown)[] = [];

beforeAll(async () => {
  cluster = await TestCluster.start({ replicas: 0, args: ['--bind', '127.0.0.1', '-::1'] });
});
afterEach(async () => {
  for (const undo of later.splice(0)) await undo();
});
afterAll(() => cluster?.stop());

async function onAllNodes(...command: [string, ...string[]]): Promise<unknown[]> {
  return Promise.all(cluster.nodes.map((node) => node.cli(...command)));
}

async function createUser(...rights: string[]): Promise<string> {
  const name = `user-${randomUUID()}`;
  await onAllNodes('ACL', 'SETUSER', name, 'on', '>pw', `~${hubs.tag}:*`, `&${hubs.tag}:*`, ...rights);
  return name;
}

const seeds = () => cluster.connection.cluster;

describeCluster('a user', () => {
  it.each([
    ['the rights of the README', []],
    ['no right to CLUSTER NODES', ['-cluster|nodes']],
    ['no right to INFO', ['-info']],
  ])('with %s follows the slot', async (_, rights) => {
    // The order matters: channels are reset first.
    const username = await createUser(...README_RIGHTS, `&${hubs.tag}:*`, ...rights);
    const member = await hubs.works({ redis: { cluster: seeds(), username, password: 'pw' } });
    await hubs.follows(cluster, member);
    expect(hubs.warnings.filter((text) => text.includes('does not answer INFO'))).toHaveLength(
      rights.includes('-info') ? 1 : 0,
    );
  });

  it('without a right to ask for slots is told of it', async () => {
    const username = await createUser('+@all', '-cluster|slots');
    const redis = { cluster: seeds(), username, password: 'pw' };
    const words = /NOPERM.*cluster\|slots/;
    const failure = await failedStart(words, (connectTimeout) => hubs.join({ redis, connectTimeout }));
    expect(failure.message).toMatch(words);
  });

  it('without a right to channels is told of it', async () => {
    const username = await createUser('+@all', 'resetchannels');
    const redis = { cluster: seeds(), username, password: 'pw' };
    const failure = await failureOf(hubs.join({ redis }));
    expect(failure).toBeInstanceOf(RedisRefusedError);
    expect(failure).toMatchObject({ code: 'REDIS_FORBIDDEN' });
  });

  it('with a wrong password is told of it, also beside nodes that are down', async () => {
    const username = await createUser('+@all');
    // Nodes are asked in an order of their own: the one that is up among others would be missed by chance.
    const down = [1, 2, 3, 4, 5].map((port) => ({ host: '127.0.0.1', port }));
    for (const nodes of [seeds(), [...seeds().slice(0, 1), ...down]]) {
      const redis = { cluster: nodes, username, password: 'wrong' };
      const words = /refused the login for \d+ ms \(WRONGPASS/;
      const failure = await failedStart(words, (connectTimeout) => hubs.join({ redis, connectTimeout }));
      expect(failure).toBeInstanceOf(RedisUnavailableError);
      expect(failure.message).toMatch(words);
    }
  });

  it('is taken from the URL of a node where the settings for all name none', async () => {
    const username = await createUser('+@all');
    const url = `redis://${username}:pw@127.0.0.1:${seeds()[0]!.port}`;
    await hubs.works({
      redis: { cluster: [url], password: undefined as never, username: undefined as never },
    });
    await hubs.works({ redis: new Cluster([url], { lazyConnect: true }) });
    await until(async () => {
      const clients = (await onAllNodes('CLIENT', 'LIST')).join('\n');
      return clients.split(`user=${username} `).length === 5;
    });
  });

  it('whose password is rotated is looked up with the new one, and the provider is asked once', async () => {
    const username = await createUser('+@all');
    let password = 'pw';
    let asked = 0;
    const redisCredentials = () => ({ username, password: (asked++, password) });
    await hubs.works({ redis: { cluster: seeds() }, redisCredentials });
    expect(asked).toBe(2);
    await onAllNodes('ACL', 'SETUSER', username, 'resetpass', '>new');
    password = 'new';
    await onAllNodes('CONFIG', 'RESETSTAT');
    await onAllNodes('ACL', 'LOG', 'RESET');
    // The watch: each refusal is one of the first look, and later looks are answered.
    await until(() => asked === 3);
    await until(async () => (await countLooks()) >= 6);
    expect(asked).toBe(3);
    // One of each node that the first look asked.
    const refusals = (await onAllNodes('ACL', 'LOG')) as unknown[][];
    expect(refusals.filter((log) => log.length > 0).length).toBeLessThanOrEqual(3);
    expect(refusals.flat().every((entry) => countOf(entry) === 1)).toBe(true);
  });
});

/** How often what an entry of ACL LOG tells of has happened; a map, or its fields one after another. */
function countOf(entry: unknown): number {
  const fields = Array.isArray(entry) ? entry : Object.entries(entry as object).flat();
  return Number(fields[fields.indexOf('count') + 1]);
}

async function countLooks(): Promise<number> {
  const stats = await onAllNodes('INFO', 'commandstats');
  return stats.reduce<number>(
    (sum, text) => sum + Number(/cmdstat_cluster\|slots:calls=(\d+)/.exec(String(text))?.[1] ?? 0),
    0,
  );
}

/** In front of each node one that speaks TLS, and where each node is then. */
async function startTls(): Promise<{
  ports: number[];
  natMap: Record<string, { host: string; port: number }>;
}> {
  const servers = cluster.nodes.map(({ port }) =>
    createServer(certificate, (client) => {
      const node = connect(port, '127.0.0.1');
      for (const socket of [client, node]) socket.on('error', () => {});
      client.pipe(node).pipe(client);
    }),
  );
  for (const server of servers) server.on('tlsClientError', () => {});
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
  later.push(() => servers.map((server) => server.close()));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  const entries = cluster.nodes.map(({ port }, i) => [
    `127.0.0.1:${port}`,
    { host: 'localhost', port: ports[i]! },
  ]);
  return { ports, natMap: Object.fromEntries(entries) as never };
}

describeCluster('a cluster with TLS, behind NAT', () => {
  it.each<[string, (natMap: Record<string, { host: string; port: number }>) => NatMap]>([
    ['an object', (natMap) => natMap],
    ['a function', (natMap) => (address) => natMap[address] ?? null],
  ])('is followed by a natMap that is %s', async (_, toNatMap) => {
    const { ports, natMap } = await startTls();
    const families: unknown[] = [];
    // As Node's, and remembers what it was asked for.
    const lookup: LookupFunction = (_host, { family, all }, answer) => {
      families.push(family);
      if (all) (answer as (...args: unknown[]) => void)(null, [{ address: '127.0.0.1', family: 4 }]);
      else answer(null, '127.0.0.1', 4);
    };
    const member = await hubs.works({
      redis: {
        cluster: [{ host: 'localhost', port: ports[0]! }],
        natMap: toNatMap(natMap),
        tls: { ca: certificate.cert, lookup },
        family: 4,
      },
    });
    await hubs.follows(cluster, member);
    expect(new Set(families)).toEqual(new Set([4]));
  });

  it('is reached by an ioredis Cluster with the same settings', async () => {
    const { ports, natMap } = await startTls();
    const redisOptions = { tls: { ca: certificate.cert } };
    const node = `rediss://localhost:${ports[1]!}`;
    const member = await hubs.works({
      redis: new Cluster([node], { lazyConnect: true, natMap, redisOptions }),
    });
    await hubs.follows(cluster, member);
    expect(member.heard.link).toContain('lost');
  });

  it('is not reached where its certificate is not trusted', async () => {
    const { ports, natMap } = await startTls();
    const redis = { cluster: [`rediss://localhost:${ports[0]!}`], natMap };
    const words = /could not be reached within \d+ ms \(self-signed certificate/;
    const failure = await failedStart(words, (connectTimeout) => hubs.join({ redis, connectTimeout }));
    expect(failure.message).toMatch(words);
  });

  it('is reached again when a natMap that got a port wrong, or threw, is right', async () => {
    let answer: (port: number) => { host: string; port: number } = (port) => ({ host: '127.0.0.1', port });
    const natMap = (address: string) => answer(Number(address.split(':')[1]));
    const member = await hubs.works({ redis: { cluster: seeds(), natMap } });
    const right = answer;
    const wrongs = [() => ({ host: '127.0.0.1', port: 99_999 }), () => raise(new Error('no such node'))];
    for (const wrong of wrongs) {
      let calls = 0;
      answer = () => (calls++, wrong());
      await onAllNodes('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await onAllNodes('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await until(() => calls > 6);
      answer = right;
      await hubs.hears(member);
    }
  });
});

function raise(error: Error): never {
  throw error;
}

describeCluster('a cluster that tells of its nodes', () => {
  /** What nodes say of where they are. */
  async function announce(settings: Record<string, string>, told: string): Promise<void> {
    const set = (name: string, value: string) => onAllNodes('CONFIG', 'SET', name, value);
    for (const [name, value] of Object.entries(settings)) {
      const old = (await cluster.nodes[0]!.cli('CONFIG', 'GET', name)) as string[];
      later.unshift(() => set(name, old[1]!));
      await set(name, value);
    }
    await until(async () => {
      const slots = (await onAllNodes('CLUSTER', 'SLOTS')) as [number, number, [unknown]][][];
      return slots.flat().every(([, , [host]]) => String(host) === told);
    });
  }

  it.each([
    [
      'by host names',
      { 'cluster-announce-hostname': 'localhost', 'cluster-preferred-endpoint-type': 'hostname' },
      'localhost',
    ],
    ['by no address', { 'cluster-preferred-endpoint-type': 'unknown-endpoint' }, 'null'],
  ])('%s is followed to where it was asked, or to these', async (_, settings, told) => {
    await announce(settings, told);
    const asked = new Set<string>();
    const natMap = (address: string) => (asked.add(address.split(':')[0]!), null);
    const member = await hubs.works({
      redis: { cluster: [{ host: 'localhost', port: seeds()[0]!.port }], natMap },
    });
    await hubs.follows(cluster, member);
    expect(asked).toEqual(new Set(['localhost']));
  });

  it('by a host name that nobody has set is followed to its addresses', async () => {
    await announce({ 'cluster-preferred-endpoint-type': 'hostname' }, '?');
    const member = await hubs.works({ redis: { cluster: seeds().slice(0, 1) } });
    await hubs.follows(cluster, member);
    expect(member.heard.link).toContain('lost');
  });

  itOverIpv6('by IPv6 addresses is followed', async () => {
    await announce({ 'cluster-announce-ip': '::1' }, '::1');
    expect(cluster.nodes).toHaveLength(3);
    for (const redis of [
      `redis+cluster://[::1]:${seeds()[0]!.port}`,
      new Cluster([{ host: '::1', port: seeds()[1]!.port }], { lazyConnect: true }),
    ])
      await hubs.follows(cluster, await hubs.works({ redis }));
  });
});

describeCluster('an ioredis Cluster', () => {
  const port = () => seeds()[0]!.port;
  const dnsLookup = (_: string, answer: (error: null, address: string) => void) => answer(null, '127.0.0.1');

  it.each<[string, () => Cluster]>([
    ['a port', () => new Cluster([port()], { lazyConnect: true })],
    ['a port as text', () => new Cluster([String(port())], { lazyConnect: true })],
    ['a URL with a database', () => new Cluster([`redis://127.0.0.1:${port()}/3`], { lazyConnect: true })],
    [
      'a database in its settings',
      () => new Cluster([port()], { lazyConnect: true, redisOptions: { db: 3 } }),
    ],
    [
      'a dnsLookup',
      () => new Cluster([{ host: 'one.invalid', port: port() }], { lazyConnect: true, dnsLookup }),
    ],
    [
      'SRV records, of which one cannot be looked up',
      () =>
        new Cluster([{ host: 'srv.invalid' }, { host: 'none.invalid' }], {
          lazyConnect: true,
          useSRVRecords: true,
          resolveSrv: (name, answer) =>
            name === 'none.invalid'
              ? answer(new Error('none'))
              : answer(null, [{ name: 'one.invalid', port: port(), priority: 1, weight: 1 }]),
          dnsLookup,
        }),
    ],
    [
      'settings that concern its own connections',
      () =>
        new Cluster([port()], {
          lazyConnect: true,
          enableReadyCheck: false,
          scaleReads: 'slave',
          slotsRefreshTimeout: 5_000,
          redisOptions: { enableAutoPipelining: true },
        }),
    ],
  ])('with %s leads to the hub of the others', async (_, create) => {
    const member = await hubs.works({ redis: create() });
    const other = await hubs.works({ redis: cluster.url });
    await until(() => member.heard.data.length === 2);
    await hubs.follows(cluster, other);
  });

  it('whose nodes cannot be looked up names the reason', async () => {
    const never = () => {};
    const redis = new Cluster(['redis://one.invalid'], {
      lazyConnect: true,
      dnsLookup: never,
      slotsRefreshTimeout: 100,
    });
    const words = /the lookup of one\.invalid took longer than 100 ms/;
    const failure = await failedStart(words, (connectTimeout) => hubs.join({ redis, connectTimeout }));
    expect(failure.message).toMatch(words);
  });
});
