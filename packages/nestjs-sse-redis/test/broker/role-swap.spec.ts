import { jest } from '@jest/globals';
import { compare, RedisServer, SseStream, Stopwatch, TcpProxy, until } from '@nestjs-sse-redis/testing';
import { Commands } from '../../src/broker/redis/commands.js';
import { Outage } from '../../src/broker/redis/outage.js';
import { of } from 'rxjs';
import { failureOf, Hubs, type TestHub } from '../hub/hubs.js';
import { askThrough, readings } from './questions.js';

/** Within this time after a swap events are published again. */
const RECOVERY = 2_000;
/** The last attempt may still be on its way when the time is up: then nobody knows what became of it. */
const CODES = ['REDIS_READONLY', 'PUBLISH_OUTCOME_UNKNOWN'];
/** For the second connection to be made on a busy machine, beside the stopwatch's own allowance. */
const EVENTS_BEFORE = 20;

/** The method that decides whether a reading waits. */
interface Waiting {
  mayPass(): boolean;
}

/** A primary, its replica, and a name that leads new connections to the primary, as that of a managed Redis does. */
class Pair {
  private constructor(
    readonly old: RedisServer,
    readonly next: RedisServer,
    readonly name: TcpProxy,
  ) {}

  static async start(): Promise<Pair> {
    // Otherwise it waits five seconds for more replicas.
    const old = await RedisServer.start({ args: ['--repl-diskless-sync-delay', '0'] });
    const next = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(old.port)] });
    await until(async () => /master_link_status:up/.test(String(await next.cli('INFO', 'replication'))));
    return new Pair(old, next, await TcpProxy.start({ target: old.port }));
  }

  /** All that the old primary acknowledged has reached the replica. */
  async replicated(): Promise<void> {
    await until(async () => {
      const [, offset] = (await this.old.cli('ROLE')) as [string, number];
      return Number(((await this.next.cli('ROLE')) as unknown[])[4]) >= offset;
    });
  }

  async stop(): Promise<void> {
    await this.name.stop();
    await Promise.all([this.old.stop(), this.next.stop()]);
  }
}

const isMaster = async (server: RedisServer): Promise<boolean> =>
  ((await server.cli('ROLE')) as string[])[0] === 'master';

/** Ways to swap the roles that leave each connection of a client open. */
const ways = [
  {
    way: 'REPLICAOF on the open connection',
    swap: async ({ old, next, name }: Pair) => {
      await next.cli('REPLICAOF', 'NO', 'ONE');
      await old.cli('REPLICAOF', '127.0.0.1', next.port);
      name.target = next.port;
    },
  },
  {
    way: 'FAILOVER of Redis',
    swap: async ({ old, next, name }: Pair) => {
      await old.cli('FAILOVER', 'TO', '127.0.0.1', next.port);
      await until(() => isMaster(next));
      name.target = next.port;
    },
  },
  {
    way: 'a name that leads to the new primary before the old one is demoted',
    swap: async ({ old, next, name }: Pair) => {
      name.target = next.port;
      await next.cli('REPLICAOF', 'NO', 'ONE');
      await old.cli('REPLICAOF', '127.0.0.1', next.port);
    },
  },
] as const;

describe.each(ways)('a swap of roles that closes no connection: $way', ({ swap }) => {
  const hubs = Hubs.over('redis');
  let pair: Pair;
  beforeEach(async () => (pair = await Pair.start()));
  afterEach(() => {
    jest.restoreAllMocks();
    return pair.stop();
  });

  it('publishes again within 2 s, in order, and delivers each event once', async () => {
    const test = await hubs.start({ redis: `redis://127.0.0.1:${pair.name.port}` });
    const client = test.reconnectingClient(['news']);
    await until(() => client.lastEventId !== '');
    const ids: string[] = [];
    const rejected: unknown[] = [];
    const publish = async (data: number): Promise<void> => {
      await test.hub.publish('news', { type: 'tick', data }).then(
        ({ id }) => ids.push(id),
        (error: unknown) => rejected.push(error),
      );
    };
    for (let i = 0; i < EVENTS_BEFORE; i++) await publish(i);
    await pair.replicated();
    await swap(pair);

    const watch = Stopwatch.start();
    // Ten at once: each of them is held, and none overtakes another.
    await Promise.all(Array.from({ length: 10 }, (_, i) => publish(EVENTS_BEFORE + i)));
    expect(watch.stop()).toBeLessThan(RECOVERY);
    for (let i = 30; i < 40; i++) await publish(i);

    expect(rejected).toEqual([]);
    expect(ids).toEqual([...ids].toSorted(byPosition));
    await client.waitForEvents(40);
    expect(compare(ids, client.eventIds).report()).toMatch(/^whole/);
    expect(await test.dataIn('news')).toEqual(Array.from({ length: 40 }, (_, i) => i));
    // On the new primary, not on the demoted one.
    expect(await isMaster(pair.next)).toBe(true);
    await until(async () => (await test.hub.readiness()).ready);
  });

  /** What was refused of what an application asks while the roles are swapped. */
  async function askThroughASwap(test: TestHub): Promise<string[]> {
    await test.hub.publish('news', { data: 'before' });
    await pair.replicated();
    return askThrough(readings(test), async () => {
      await swap(pair);
      await test.hub.publish('news', { data: 'after' });
      await until(async () => (await test.hub.readiness()).ready);
    });
  }

  it('answers what the application asks meanwhile', async () => {
    const test = await hubs.start({ redis: `redis://127.0.0.1:${pair.name.port}` });
    expect(await askThroughASwap(test)).toEqual([]);
  });

  it('refuses some of it where nothing waits for the new connection (negative control)', async () => {
    jest.spyOn(Commands.prototype as unknown as Waiting, 'mayPass').mockReturnValue(false);
    const test = await hubs.start({ redis: `redis://127.0.0.1:${pair.name.port}` });
    expect(await askThroughASwap(test)).toContainEqual(expect.stringContaining('REDIS_UNAVAILABLE'));
  });

  it('starts a run on the new primary', async () => {
    const test = await hubs.start({ redis: `redis://127.0.0.1:${pair.name.port}` });
    await test.hub.publish('news', { data: 'before' });
    await pair.replicated();
    await swap(pair);
    const run = await test.hub.run('answer', () => of({ type: 'token', data: 'a' }));
    expect(await run.outcome()).toMatchObject({ state: 'done' });
    expect(await test.dataIn('answer')).toContain('a');
    expect(await isMaster(pair.next)).toBe(true);
  });

  it('refuses a run where nothing waits for the new primary (negative control)', async () => {
    jest.spyOn(Commands.prototype as unknown as Waiting, 'mayPass').mockReturnValue(false);
    const test = await hubs.start({
      redis: `redis://127.0.0.1:${pair.name.port}`,
      // Nothing else finds the swap before.
      ...{ probeInterval: 60_000, registry: { leaseTtl: 180_000 } },
    });
    await test.hub.publish('news', { data: 'before' });
    await pair.replicated();
    await swap(pair);
    expect((await failureOf(test.hub.run('answer', () => of('a'))))['code']).toBe('REDIS_READONLY');
  });

  /** What a client is told first that comes behind a swap. */
  async function firstBlock(test: TestHub) {
    await test.hub.publish('news', { data: 'before' });
    await pair.replicated();
    await swap(pair);
    const stream = SseStream.open(test.url('news'));
    try {
      return await stream.waitForBlock(() => true);
    } finally {
      await stream.close();
    }
  }

  it('begins the stream of a client that comes meanwhile', async () => {
    const test = await hubs.start({ redis: `redis://127.0.0.1:${pair.name.port}` });
    expect(await firstBlock(test)).toMatchObject({ isPosition: true });
    expect(await isMaster(pair.next)).toBe(true);
  });

  it('refuses that client where nothing waits for the new primary (negative control)', async () => {
    jest.spyOn(Commands.prototype as unknown as Waiting, 'mayPass').mockReturnValue(false);
    const test = await hubs.start({
      redis: `redis://127.0.0.1:${pair.name.port}`,
      ...{ probeInterval: 60_000, registry: { leaseTtl: 180_000 } },
    });
    expect(await firstBlock(test)).toMatchObject({ message: { type: 'error' } });
  });

  it('rejects each publish, in time, where no connection is made anew (negative control)', async () => {
    jest.spyOn(Outage.prototype as unknown as { makeNew(): void }, 'makeNew').mockImplementation(() => {});
    const test = await hubs.start({
      redis: `redis://127.0.0.1:${pair.name.port}`,
      publishTimeout: RECOVERY,
    });
    await test.hub.publish('news', { data: 'before' });
    await pair.replicated();
    await swap(pair);
    const failure = await failureOf(test.hub.publish('news', { data: 'after' }));
    expect(CODES).toContain(failure['code']);
    expect(await test.dataIn('news')).toEqual(['before']);
  });
});

describe('a server that stays read-only', () => {
  // Before the hubs are closed, which deletes what they wrote.
  afterEach(() => hubs.redis.cli('REPLICAOF', 'NO', 'ONE'));
  const hubs = Hubs.over('redis');

  it('is asked at a bounded rate, and used again without a restart', async () => {
    const test = await hubs.start({ publishTimeout: 2_000 });
    const before = await connectionsOf(hubs.redis);
    await hubs.redis.cli('REPLICAOF', '127.0.0.1', 1);
    for (let i = 0; i < 2; i++) {
      const failure = await failureOf(test.hub.publish('news', { data: i }));
      expect(CODES).toContain(failure['code']);
    }
    // Four seconds: at 50 ms, doubled up to a second, for two connections, and those of this test.
    expect((await connectionsOf(hubs.redis)) - before).toBeLessThan(30);
    const { ready, problems } = await test.hub.readiness();
    expect(ready).toBe(false);
    expect(problems.join()).toContain('READONLY');
    await hubs.redis.cli('REPLICAOF', 'NO', 'ONE');
    await until(() => test.hub.publish('news', { data: 'after' }, { idempotencyKey: 'after' }));
    expect(await test.dataIn('news')).toEqual(['after']);
  });

  it('is no reason any more where it cannot be reached', async () => {
    const proxy = await TcpProxy.start({ target: hubs.redis.port });
    hubs.closeLater(() => proxy.stop());
    const test = await hubs.start({ redis: `redis://127.0.0.1:${proxy.port}`, publishTimeout: 2_000 });
    await hubs.redis.cli('REPLICAOF', '127.0.0.1', 1);
    expect(CODES).toContain((await failureOf(test.hub.publish('news', { data: 1 })))['code']);
    await proxy.refuse(true);
    proxy.cut();
    await until(async () => (await test.hub.readiness()).problems.join().includes('ECONNREFUSED'));
    const failure = await failureOf(test.hub.publish('news', { data: 2 }));
    expect(failure).toMatchObject({
      code: 'REDIS_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED') as string,
      cause: { code: 'ECONNREFUSED' },
    });
    await proxy.refuse(false);
  });

  it('has refused all that is held for it once the application has closed', async () => {
    const test = await hubs.start({ publishTimeout: 600_000, drain: { timeout: 100 } });
    await hubs.redis.cli('REPLICAOF', '127.0.0.1', 1);
    const failures = [1, 2, 3].map((data) => failureOf(test.hub.publish('news', { data })));
    await until(async () => (await test.hub.readiness()).problems.join().includes('READONLY'));
    await test.running.close();
    const codes = (await Promise.all(failures)).map((failure) => failure['code']);
    for (const code of codes) expect(CODES).toContain(code);
  });

  it('is left for a new connection by the probe alone, on a node that publishes nothing', async () => {
    const test = await hubs.start({ probeInterval: 100, registry: { leaseTtl: 60_000 } });
    const before = await connectionsOf(hubs.redis);
    await hubs.redis.cli('REPLICAOF', '127.0.0.1', 1);
    await until(async () => (await connectionsOf(hubs.redis)) >= before + 4);
    await hubs.redis.cli('REPLICAOF', 'NO', 'ONE');
    await until(async () => (await test.hub.readiness()).ready);
  });
});

function byPosition(a: string, b: string): number {
  const [x, y] = [a, b].map((id) => id.split('-').map(Number) as [number, number]);
  return x![0] - y![0] || x![1] - y![1];
}

async function connectionsOf(redis: RedisServer): Promise<number> {
  const stats = String(await redis.cli('INFO', 'stats'));
  return Number(/total_connections_received:(\d+)/.exec(stats)?.[1]);
}
