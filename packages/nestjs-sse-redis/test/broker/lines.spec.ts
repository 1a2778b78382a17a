import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisServer, TcpProxy, until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard, publishAll, publication } from './broker-set-ups.js';

const redis = useRedis({ args: ['--repl-diskless-sync-delay', '0'] });
const open: RedisBroker[] = [];
let prefix: string;

beforeEach(() => (prefix = randomUUID()));
afterEach(async () => {
  await redis.cli('CONFIG', 'SET', 'maxmemory', 0);
  await Promise.all(open.splice(0).map((broker) => broker.close()));
});

async function start(url = redis.url): Promise<RedisBroker> {
  const options = resolveOptions({ redis: url, prefix, probeInterval: 60_000 });
  const broker = new RedisBroker(url, options, randomUUID());
  open.push(broker);
  await broker.start(new Heard());
  return broker;
}

/** The server counts as promoted, with its data: on every version of Redis, and without a replica. */
async function promote(server: RedisServer): Promise<void> {
  await server.cli('REPLICAOF', '127.0.0.1', 1);
  await server.cli('REPLICAOF', 'NO', 'ONE');
}

/** The new line begins later than the data reach. */
const forkAt = (from: number, line = 1) => ({
  from,
  began: expect.any(Number),
  line,
  serverStart: expect.stringMatching(/^[0-9a-f]{10}$/),
});

const lastOf = async (server: RedisServer): Promise<number> =>
  Number(await server.cli('HGET', `{${prefix}}:clock`, 'last'));

/** The server has closed the connections, and the broker has new ones. */
async function reconnect(broker: RedisBroker): Promise<void> {
  await redis.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await until(() =>
    broker.position().then(
      () => true,
      () => false,
    ),
  );
}

it('tells no fork of a data set that never failed over, whoever comes back to it', async () => {
  const broker = await start();
  await publishAll(broker, publication('a', 1));
  await reconnect(broker);
  await publishAll(broker, publication('a', 2));
  expect([broker.line.forks, (await start()).line.forks]).toEqual([[], []]);
});

it('tells one fork, after the last position that arrived, where a replica was promoted', async () => {
  const next = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(redis.port)] });
  const name = await TcpProxy.start({ target: redis.port });
  try {
    const broker = await start(`redis://127.0.0.1:${name.port}`);
    await publishAll(broker, publication('a', 1));
    const last = await lastOf(redis);
    await until(async () => (await lastOf(next)) === last);
    await next.cli('REPLICAOF', 'NO', 'ONE');
    // The old master goes on, and what it takes is lost.
    await publishAll(broker, publication('a', 2));
    expect(broker.line.forks).toEqual([]);

    name.target = next.port;
    name.cut();
    await until(
      () =>
        broker.line.forks.length > 0 ||
        broker.position().then(
          () => false,
          () => false,
        ),
    );
    await publishAll(broker, publication('a', 3));
    const other = await start(next.url);
    expect([broker.line.forks, other.line.forks]).toEqual([[forkAt(last)], [forkAt(last)]]);
  } finally {
    await name.stop();
    await next.stop();
  }
});

it('counts each promotion, in order', async () => {
  const forks: number[] = [];
  for (let i = 0; i < 3; i++) {
    await publishAll(await start(), publication('a', i));
    forks.push(await lastOf(redis));
    await promote(redis);
  }
  expect((await start()).line.forks).toEqual(forks.map((from, i) => forkAt(from, i + 1)));
});

it('takes the end of the old line from before a renewal of the lease, which gives out a position', async () => {
  const broker = await start();
  await publishAll(broker, publication('a', 1));
  const last = await lastOf(redis);
  await promote(redis);
  await redis.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  const renew = (pace: number) => broker.registry.renew({ id: 'n', host: 'h', pid: 1 }, 60_000, { pace });
  await until(() =>
    renew(2).then(
      () => true,
      () => false,
    ),
  );
  // A faster pace makes a probe due.
  await renew(1);
  expect(await lastOf(redis)).toBeGreaterThan(last);
  expect((await start()).line.forks).toEqual([forkAt(last)]);
});

it('forks once where processes still know the server by its former name', async () => {
  const [first, second] = [await start(), await start()];
  await promote(redis);
  const third = await start();
  for (let i = 0; i < 3; i++) {
    for (const broker of [first, second, third]) await publishAll(broker, publication('a', i));
  }
  const [fork] = third.line.forks;
  expect([first.line.forks, second.line.forks, third.line.forks]).toEqual([[fork], [fork], [fork]]);
});

it('takes the line of a clock from a release before for its own', async () => {
  await publishAll(await start(), publication('a', 1));
  await redis.cli('HDEL', `{${prefix}}:clock`, 'replid', 'forks');
  await promote(redis);
  expect((await start()).line.forks).toEqual([]);
});

it('reads in a full Redis that has a new line', async () => {
  const broker = await start();
  await promote(redis);
  await redis.cli('CONFIG', 'SET', 'maxmemory', 1);
  await reconnect(broker);
  expect(await broker.position()).toBe(await lastOf(redis));
  expect(broker.line.forks).toHaveLength(1);
});

it('begins a new line after a restart whose data are older than what was acknowledged', async () => {
  const server = await RedisServer.start({ persistence: true });
  try {
    await publishAll(await start(server.url), publication('a', 1));
    const last = await lastOf(server);
    await Promise.all(open.splice(0).map((broker) => broker.close()));
    await server.restart();
    const survived = await lastOf(server);
    expect(survived).toBeLessThanOrEqual(last);
    expect((await start(server.url)).line.forks).toEqual([forkAt(survived)]);
  } finally {
    await server.stop();
  }
});

it('publishes without lines, and says so once, where INFO is not allowed', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  await redis.cli('ACL', 'SETUSER', 'blind', 'on', '>pw', '~*', '&*', '+@all', '-info');
  const broker = await start(redis.url.replace('redis://', 'redis://blind:pw@'));
  await promote(redis);
  await reconnect(broker);
  await publishAll(broker, publication('a', 1));
  expect(broker.line.forks).toEqual([]);
  expect(warn.mock.calls.filter(([text]) => String(text).includes('does not answer INFO'))).toHaveLength(1);
  warn.mockRestore();
});

it.each(['x:y', '1:2,,3:4', '1', '1:2,3:y'])(
  'goes on without lines where the clock has %j for its forks',
  async (forks) => {
    await start();
    await redis.cli('HSET', `{${prefix}}:clock`, 'forks', forks);
    const broker = await start();
    expect(await publishAll(broker, publication('a', 1))).toHaveLength(1);
    expect(broker.line.forks).toEqual([]);
  },
);

it('numbers no line of lost data anew, as long as a process knows the number', async () => {
  const broker = await start();
  await publishAll(broker, publication('a', 1));
  await promote(redis);
  await reconnect(broker);
  expect([broker.line.line, broker.line.forks]).toMatchObject([1, [{ line: 1 }]]);
  await redis.cli('FLUSHALL');
  await publishAll(broker, publication('a', 2));
  expect([broker.line.line, broker.line.forks]).toEqual([2, []]);
  await redis.cli('FLUSHALL');
  // A new connection has the number alone.
  await reconnect(broker);
  expect([broker.line.line, broker.line.forks, broker.line.since > 0]).toEqual([3, [], true]);
  await promote(redis);
  await reconnect(broker);
  expect(broker.line.forks).toMatchObject([{ line: 4 }]);
});

it('has no line in the ids of a hub that lost its data and never failed over', async () => {
  const broker = await start();
  await publishAll(broker, publication('a', 1));
  await redis.cli('FLUSHALL');
  await publishAll(broker, publication('a', 2));
  expect(broker.line.line).toBe(0);
});
