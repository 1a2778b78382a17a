import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ownIdOf, Stopwatch, TestSentinel, until, type ReconnectingClient } from '@nestjs-sse-redis/testing';
import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import { Outage } from '../../src/broker/redis/outage.js';
import { SentinelWatch } from '../../src/broker/redis/sentinel-watch.js';
import { Lines } from '../../src/delivery/lines.js';
import { Hubs, type TestHub } from '../hub/hubs.js';
import { Load } from '../hub/load.js';

const CLIENTS = 6;
const OF_THE_THIRD = 50;
/** Within this time after the election events are published again. */
const RECOVERY = 2_000;

const hubs = Hubs.over('memory');
let sentinel: TestSentinel;
afterEach(async () => {
  jest.restoreAllMocks();
  await sentinel?.stop();
});

const withoutWatch = (): unknown => jest.spyOn(SentinelWatch.prototype, 'start').mockImplementation(() => {});

interface Deployment {
  readonly options: SseRedisOptions;
  readonly clients: ReconnectingClient[];
  readonly loads: Load[];
  readonly nodes: TestHub[];
}

/** Two processes' worth of hubs that publish, and clients of both. */
async function deploy(args: string[] = []): Promise<Deployment> {
  sentinel = await TestSentinel.start({ args });
  const options: SseRedisOptions = {
    redis: sentinel.connection,
    prefix: randomUUID(),
    history: { maxLength: 100_000 },
    registry: { leaseTtl: 60_000 },
  };
  const nodes = [await hubs.start(options), await hubs.start(options)];
  const clients = Array.from({ length: CLIENTS }, (_, i) => nodes[i % 2]!.reconnectingClient(['news']));
  const loads = nodes.map((test) => new Load(hubs, test));
  await until(() => clients.every(({ events }) => events.length > 0));
  return { options, clients, loads, nodes };
}

/** A process that starts after the failover publishes to the new master. */
async function publishFromAThird(options: SseRedisOptions): Promise<string[]> {
  const third = await hubs.start(options);
  const ids: string[] = [];
  for (let i = 0; i < OF_THE_THIRD; i++) {
    ids.push((await third.hub.publish('news', { type: 'third', data: i })).id);
  }
  return ids;
}

const idsOfTheThird = ({ events }: ReconnectingClient): string[] =>
  events.filter(({ type }) => type === 'third').map(ownIdOf);
const gapsOf = ({ ledger }: ReconnectingClient): number => ledger.filter(({ type }) => type === 'gap').length;
const isReplica = async (server: TestSentinel['servers'][0]): Promise<boolean> =>
  ((await server.cli('ROLE')) as string[])[0] === 'slave';

/** No hub hears the server any more. */
const isLeft = async (server: TestSentinel['servers'][0], prefix: string): Promise<boolean> =>
  ((await server.cli('PUBSUB', 'CHANNELS', `{${prefix}}*`)) as string[]).length === 0;

describe('a planned SENTINEL FAILOVER whose old master lives on', () => {
  it('delivers all that a process publishes to the new master meanwhile, once', async () => {
    const { options, clients, loads } = await deploy();
    const old = await sentinel.master();
    await sentinel.failover();
    await until(() => isLeft(old, options.prefix!));
    const ids = await publishFromAThird(options);
    for (const client of clients) {
      await until(() => idsOfTheThird(client).length >= ids.length);
      expect(idsOfTheThird(client)).toEqual(ids);
    }
    // Long before Sentinel has turned the old master into a replica, which closes its connections.
    expect(await isReplica(old)).toBe(false);
    await Promise.all(loads.map((load) => load.stop()));
  });

  it('delivers none of these, and reports no gap, where Sentinel is not watched and nobody goes back to the fork (negative control)', async () => {
    withoutWatch();
    jest.spyOn(Lines.prototype, 'restored').mockImplementation(function (this: Lines, line) {
      this['take'](line);
      return undefined;
    });
    const { options, clients, loads } = await deploy();
    const old = await sentinel.master();
    await sentinel.failover();
    const ids = await publishFromAThird(options);
    await until(() => isReplica(old));
    await Promise.all(loads.map((load) => load.stop()));
    // All processes are at the new master, and each client has what comes last.
    const { id } = await until(() =>
      hubs.start(options).then(({ hub }) => hub.publish('news', { type: 'last', data: 0 })),
    );
    await until(() => clients.every(({ eventIds }) => eventIds.includes(id)));
    const missing = clients.map((client) => ids.length - idsOfTheThird(client).length);
    expect(missing).toEqual(clients.map(() => OF_THE_THIRD));
    expect(clients.map(gapsOf)).toEqual(clients.map(() => 0));
  });

  it('publishes to the new master within 2 s, though the old one refuses nothing', async () => {
    const { nodes } = await deploy();
    const next = await sentinel.failover();
    const watch = Stopwatch.start();
    await until(async () => {
      const marker = randomUUID();
      await nodes[0]!.hub.publish('marks', { data: marker });
      const keys = (await next.cli('KEYS', '*marks*')) as string[];
      return keys.length > 0;
    });
    expect(watch.stop()).toBeLessThan(RECOVERY);
  });
});

describe('a hub whose Sentinels do not say all', () => {
  it('leaves the old master within some seconds where the message of the switch is missed', async () => {
    jest
      .spyOn(SentinelWatch.prototype as unknown as { listen(index: number): Redis }, 'listen')
      .mockImplementation(() => new Redis({ lazyConnect: true, port: 1, retryStrategy: () => null }));
    const { nodes } = await deploy();
    const old = await sentinel.master();
    const next = await sentinel.failover();
    await until(async () => {
      await nodes[0]!.hub.publish('marks', { data: 'mark' });
      return ((await next.cli('KEYS', '*marks*')) as string[]).length > 0;
    });
    expect(await isReplica(old)).toBe(false);
  });

  it('gives up no more than twelve connections where the named address is never reached', async () => {
    const moves: string[] = [];
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const options = { sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'main' };
    const streams = () => [{ remoteAddress: '127.0.0.1', remotePort: 1 }, undefined];
    const watch = new SentinelWatch(options, streams, (master) => moves.push(master));
    const inner = watch as unknown as { check(named: { host: string; port: number }): Promise<void> };
    for (let i = 0; i < 20; i++) await inner.check({ host: '127.0.0.1', port: 2 });
    expect(moves).toEqual(Array.from({ length: 12 }, () => '127.0.0.1:2'));
    expect(warn.mock.calls.map(([text]) => String(text))).toEqual([expect.stringContaining('natMap')]);
    watch.stop();
  });

  it('starts where the Sentinel that is asked first hangs', async () => {
    sentinel = await TestSentinel.start();
    sentinel.sentinels[0]!.pause();
    const test = await hubs.start({ redis: sentinel.connection });
    await test.hub.publish('news', { data: 1 });
    expect(await test.dataIn('news')).toEqual([1]);
  });

  it('leaves the old master with a user of Sentinel that has the rights of the README', async () => {
    sentinel = await TestSentinel.start();
    const rights = [
      ...['+subscribe', '&+switch-master', '+sentinel|master', '+sentinel|sentinels'],
      '+sentinel|get-master-addr-by-name',
    ];
    for (const one of sentinel.sentinels)
      await one.cli('ACL', 'SETUSER', 'watcher', 'on', '>pw', 'resetchannels', ...rights);
    const redis = { ...sentinel.connection, sentinelUsername: 'watcher', sentinelPassword: 'pw' };
    const moved = jest.spyOn(Outage.prototype, 'moved');
    const test = await hubs.start({ redis });
    await sentinel.failover();
    await until(() => moved.mock.calls.length > 0);
    const denied = await Promise.all(sentinel.sentinels.map((one) => one.cli('ACL', 'LOG')));
    // `CLIENT SETINFO`, which Redis 7.2 has, may be refused: ioredis does without it.
    expect(JSON.stringify(denied)).not.toMatch(/sentinel\||subscribe|switch-master/);
    expect(await until(() => test.hub.publish('news', { data: 1 }))).toBeDefined();
  });
});

describe('a warning about min-replicas-to-write', () => {
  it.each([
    { setting: 0, warnings: 1 },
    { setting: 1, warnings: 0 },
  ])(
    'comes $warnings times where it is $setting and the master has a replica',
    async ({ setting, warnings }) => {
      const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
      sentinel = await TestSentinel.start({ args: ['--min-replicas-to-write', String(setting)] });
      await hubs.start({ redis: sentinel.connection });
      const found = warn.mock.calls.filter(([text]) => String(text).includes('min-replicas-to-write'));
      expect(found).toHaveLength(warnings);
    },
  );
});
