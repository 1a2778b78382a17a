import { Test } from '@nestjs/testing';
import { Cluster, Redis } from 'ioredis';
import { inspect } from 'node:util';
import { InvalidOptionsError, SseRedisModule } from 'nestjs-sse-redis';
import { messageFor, resolve } from './resolve-options.js';

/** By its default of `keepAlive`; the module goes by another one. */
const IOREDIS = new Redis({ lazyConnect: true }).options.keepAlive === 0 ? '5' : '6';

describe('the options', () => {
  it.each([
    'redis://localhost',
    'redis://localhost:6379/3',
    'redis://user:password@redis.internal:6380',
    'rediss://localhost',
    'valkeys://user:password@valkey.internal:6380/3',
    'unix:///run/redis.sock',
    'unix:///run/redis.sock?db=2',
    '/run/redis.sock',
    { host: 'localhost' },
    {},
  ])('take for redis %j', (redis) => {
    expect(resolve({ redis })['redis']).toBe(redis);
  });

  it('take an existing Redis', () => {
    const redis = new Redis({ lazyConnect: true });
    expect(resolve({ redis })['redis']).toBe(redis);
  });

  it.each([
    [
      { url: 'redis://:secret@redis.internal' },
      'redis.url is no option of ioredis: give redis the URL itself',
    ],
    [{ socket: { host: 'redis.internal' } }, 'redis.socket is no option of ioredis'],
    // As a client of the package redis has them, and ioredis-mock.
    [
      {
        duplicate() {},
        get isOpen() {
          return false;
        },
        options: { url: 'redis://:secret@one' },
      },
      'it got a client of another package',
    ],
    [{ duplicate() {}, connected: true }, "Tests without a Redis say 'embedded'"],
  ])('refuse for redis %j, which means something to other packages', (redis, shown) => {
    const message = messageFor({ redis });
    expect(message).toContain(shown);
    expect(message).not.toContain('secret');
  });

  it.each([
    'redis://:secret@localhost/x',
    'redis://localhost/-1',
    'redis://localhost?db=-1',
    'valkey://localhost/x',
  ])('refuse for redis %j, whose database ioredis would take for 0', (redis) => {
    const message = messageFor({ redis });
    expect(message).toContain('one whose database is no number');
    expect(message).not.toContain('secret');
  });

  it.each<[string, unknown]>([
    ['a URL', 'redis+cluster://localhost'],
    ['a URL of Valkey', 'valkeys+cluster://one:6379,two:6380'],
    ['a URL with TLS', 'rediss+cluster://user:p%40ss@one:6379,two:6380/0?family=6'],
    ['nodes', { cluster: ['redis://one:6379', { host: 'two' }], password: 'p' }],
    ['an existing Cluster', new Cluster(['redis://localhost'], { lazyConnect: true })],
  ])('take a cluster by %s with ioredis 6, and refuse it with ioredis 5', (_, redis) => {
    const isTaken = () => resolve({ redis })['redis'] === redis;
    const isRefused = () => messageFor({ redis }).includes('needs ioredis 6');
    expect(IOREDIS === '5' ? isRefused() : isTaken()).toBe(true);
  });

  it.each([
    ['redis+cluster://one:6379,two:port', 'one whose port is no number'],
    ['redis+cluster://one:6379,', 'one that names a node without a host'],
    ['redis+cluster:one', 'one that cannot be read'],
    ['redis+cluster://:secret@one:6379/2', 'one with a database'],
    ['redis+sentinel://one', 'another string'],
    [{ cluster: [] }, 'redis.cluster takes a list of nodes'],
    [{ cluster: 'redis://:secret@one' }, 'redis.cluster takes a list of nodes'],
    [{ cluster: ['one:6379'] }, 'redis.cluster takes URLs'],
    [{ cluster: ['redis://:secret@one:port'] }, 'one whose port is no number'],
    [{ cluster: [null] }, 'redis.cluster takes URLs or { host, port }, it got null'],
    [{ cluster: [{ host: 'one', port: '6379' }] }, 'redis.cluster takes URLs or { host, port }'],
    [{ cluster: ['redis://one'], db: 2 }, 'redis.db is 2, and a cluster has but 0'],
    [{ cluster: ['redis://one'], host: 'two' }, 'redis has cluster and host'],
    [{ cluster: ['redis://one'], Connector: class {} }, 'redis has cluster and Connector'],
    [{ cluster: ['redis://one'], sentinels: [{ host: 'two' }] }, 'redis has cluster and sentinels'],
    [{ cluster: ['redis://one'], keyPrefix: '}secret:' }, 'redis.keyPrefix begins with }'],
    [{ cluster: ['redis://:secret@one/2'] }, 'one with a database'],
    ['redis+cluster://:secret@one?family=4&db=2', 'one with a database'],
  ])('refuse for the cluster %j, and tell no password', (redis, shown) => {
    const message = messageFor({ redis });
    expect(message).toContain(shown);
    expect(message).not.toContain('secret');
  });

  it.each<[string, unknown[], object, string]>([
    ['no node', [], {}, 'with one node at least'],
    ['Sentinels', ['redis://one'], { redisOptions: { sentinels: [] } }, 'a Cluster with sentinels'],
    ['a Connector', ['redis://one'], { redisOptions: { Connector: class {} } }, 'a Cluster with Connector'],
    [
      'a prefix in another slot',
      ['redis://one'],
      { keyPrefix: '}a:' },
      'the keyPrefix of the Cluster begins',
    ],
  ])('refuse an existing Cluster with %s', (_, nodes, settings, shown) => {
    const redis = new Cluster(nodes as string[], { lazyConnect: true, ...settings });
    expect(messageFor({ redis })).toContain(shown);
  });

  it.each<[object, string | undefined]>([
    [{ host: 'one', port: '6379', db: '2' }, undefined],
    [{ port: undefined, path: '/run/redis.sock' }, undefined],
    [{ host: undefined, port: 6379 }, 'redis.host is undefined: is the environment variable set'],
    [{ host: 5 }, 'redis.host takes a name or an address, it got 5'],
    [{ port: 'abc' }, 'redis.port takes a number from 0 to 65535, it got "abc"'],
    [{ port: 65_536 }, 'redis.port takes a number from 0 to 65535, it got 65536'],
    [{ port: Number.NaN }, 'redis.port takes a number from 0 to 65535, it got NaN'],
    [{ db: -1 }, 'redis.db takes the number of a database, it got -1'],
    [{ db: 'one' }, 'redis.db takes the number of a database, it got "one"'],
    [
      { sentinels: [{ host: 'one', port: 26_379 }, { host: 'two' }, { port: 26_380 }], name: 'main' },
      undefined,
    ],
    [{ host: 'one', sentinels: undefined }, undefined],
    [{ path: '/run/redis.sock', sentinels: null }, undefined],
    [{ port: 6380, sentinels: undefined }, undefined],
    [{ host: 'one', sentinels: false }, undefined],
    [{ sentinels: undefined, name: 'main' }, 'redis.sentinels is undefined: is the environment variable set'],
    [{ sentinels: null, name: 'main' }, 'redis.sentinels takes a list of { host, port }, it got null'],
    [{ sentinels: [], name: 'main' }, 'redis.sentinels takes a list of { host, port }, it got an array'],
    [
      { sentinels: 'one:26379', name: 'main' },
      'redis.sentinels takes a list of { host, port }, it got a string',
    ],
    [{ sentinels: ['one:26379'], name: 'main' }, 'redis.sentinels takes { host, port }, it got a string'],
    [
      { sentinels: [{ host: undefined }], name: 'main' },
      'redis.sentinels takes { host, port }, it got an object',
    ],
    [
      { sentinels: [{ host: 'one' }] },
      'redis.name takes the name of the master that Sentinels know, it got undefined',
    ],
  ])('look at the ioredis options %j', (redis, shown) => {
    if (shown === undefined) expect(resolve({ redis })['redis']).toBe(redis);
    else expect(messageFor({ redis })).toContain(shown);
  });

  it.each([
    ['', 'another string'],
    ['localhost:6379', 'another string'],
    ['http://user:secret@localhost', 'another string'],
    ['redis//:secret@localhost', 'another string'],
    [' redis://:secret@localhost', 'another string'],
    [6379, '6379'],
    [null, 'null'],
    [true, 'true'],
    [['redis://:secret@localhost'], 'an array'],
  ])('refuse for redis %j, and tell no password', (redis, shown) => {
    const message = messageFor({ redis });
    expect(message).toMatch(/redis takes a URL/);
    expect(message).toContain(`it got ${shown}`);
    expect(message).not.toContain('secret');
  });

  it.each([
    'redis://:secret@localhost:port',
    'redis://:secret@localhost:99999',
    'redis://:secret@[::1',
    'redis://:secret@local host',
    'redis://:not/encoded/secret@localhost',
    'redis://:not%encodedsecret@localhost',
  ])('refuse a URL that cannot be read, and tell no password: %s', async (redis) => {
    const making = Test.createTestingModule({ imports: [SseRedisModule.forRoot({ redis })] }).compile();
    const error: unknown = await making.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect((error as Error).message).toMatch(/redis takes a URL/);
    // As Node prints an error: with its cause and whatever else it carries.
    expect(inspect(error, { depth: 10 })).not.toContain('secret');
  });
});
