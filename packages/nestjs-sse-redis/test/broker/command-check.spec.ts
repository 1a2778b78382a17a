import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisServer, TcpProxy, until } from '@nestjs-sse-redis/testing';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RedisRefusedError, UnsupportedRedisError, type SseRedisOptions } from 'nestjs-sse-redis';
import { checkCommands, NEEDED, toUnsupported } from '../../src/broker/redis/command-check.js';
import type { Commands } from '../../src/broker/redis/commands.js';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { toRefusal } from '../../src/broker/redis/refusals.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { failureOf } from '../hub/hubs.js';
import { Heard } from './broker-set-ups.js';

const SCRIPTS = join(import.meta.dirname, '../../src/broker/redis/scripts');
/** Where it is missing, the hub does without it. */
const OPTIONAL = new Set(['INFO']);

/** The error of a start; or one that says `resolved`. */
async function startOn(
  { url }: Pick<RedisServer, 'url'>,
  options: Pick<SseRedisOptions, 'prefix' | 'replicas'> = {},
): Promise<Error> {
  const broker = new RedisBroker(url, resolveOptions({ redis: url, prefix: 'p', ...options }), 'node');
  try {
    return await failureOf(broker.start(new Heard()));
  } finally {
    await broker.close();
  }
}

async function startWithout(command: string, replicas = 0): Promise<Error> {
  const server = await RedisServer.start({ args: ['--rename-command', command, ''] });
  try {
    return await startOn(server, { replicas });
  } finally {
    await server.stop();
  }
}

it('names each command that a script calls', () => {
  const files = readdirSync(SCRIPTS, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.lua'),
  );
  const text = files.map((file) => readFileSync(join(SCRIPTS, file), 'utf8')).join('\n');
  const calls = [...text.matchAll(/(?:call\(|idAt\(|call, )'([A-Z]+)'/g)];
  const called = new Set(calls.map(([, name]) => name!));
  expect([...called].filter((name) => !OPTIONAL.has(name)).sort()).toEqual([...NEEDED].sort());
});

it.each(['XADD', 'PEXPIRE', 'ZRANGEBYLEX', 'XDEL', 'TIME', 'HMGET', 'PUBLISH', 'EVALSHA', 'SUBSCRIBE'])(
  'refuses a server without %s at the start, and says so',
  async (command) => {
    const failure = await startWithout(command);
    expect(failure).toBeInstanceOf(UnsupportedRedisError);
    expect(failure.message).toMatch(new RegExp(`lacks what the hub needs: ${command}\\.`));
  },
);

it('refuses a server that cannot wait for replicas at the start, where the option asks for them', async () => {
  const failure = await startWithout('WAIT', 1);
  expect(failure).toBeInstanceOf(UnsupportedRedisError);
  expect(failure.message).toMatch(/\(WAIT: ERR unknown command.*the option replicas asks/);
  expect((await startWithout('WAIT')).message).toMatch(/^resolved/);
});

it('refuses a user who may not wait for replicas at the start, where the option asks for them', async () => {
  const server = await RedisServer.start();
  try {
    await server.cli('ACL', 'SETUSER', 'default', '-wait');
    const failure = await startOn(server, { replicas: 1 });
    expect(failure).toBeInstanceOf(RedisRefusedError);
    expect(failure).toMatchObject({ code: 'REDIS_FORBIDDEN', message: expect.stringContaining('+wait') });
    expect((await startOn(server)).message).toMatch(/^resolved/);
  } finally {
    await server.stop();
  }
});

it('refuses a server that keeps no scripts', async () => {
  const failure = await startWithout('SCRIPT');
  expect(failure).toBeInstanceOf(UnsupportedRedisError);
  expect(failure.message).toContain('needs: SCRIPT.');
});

it.each([
  // Redis 7.0.15, Upstash and Garnet 1.0.48: microsoft.github.io/garnet/docs/commands/scripting
  ["ERR unknown command 'EVALSHA', with args beginning with: '1'", 'EVALSHA'],
  ["ERR Command is not available: 'SUBSCRIBE'", 'SUBSCRIBE'],
  ['ERR This instance has Lua scripting support disabled', 'Lua scripts'],
])('reads from %j that the server lacks %s', (words, lacking) => {
  const refusal = toRefusal(new Error(words), 'redis:6379', '+@all');
  const error = toUnsupported(refusal, 'redis:6379', false) as Error;
  expect(error).toBeInstanceOf(UnsupportedRedisError);
  expect(error.message).toContain(`Redis at redis:6379 lacks what the hub needs: ${lacking}.`);
  expect(error.cause).toBe(refusal);
});

it.each([
  // fakeredis 2.41.0 for Python, `TcpFakeServer`
  `ERR Error running script (call to f_32c7): @user_script:?: [string "<python>"]:11: bad argument #1 to 'lower' (string expected, got userdata)`,
  // jedis-mock 1.1.9 for Java
  'Error running script: -- Finds the commands\nreturn missing\n:10 vm error: java.lang.NullPointerException',
])('refuses a server that runs no script of the hub as Redis would: %j', async (words) => {
  const refusal = toRefusal(new Error(words), 'redis:6379', '+@all');
  const commands = { address: 'redis:6379', read: () => Promise.reject(refusal) } as unknown as Commands;
  const failure = await failureOf(checkCommands(commands, 'clock', false));
  expect(failure).toBeInstanceOf(UnsupportedRedisError);
  expect(failure.message).toMatch(/^Redis at redis:6379 cannot run the scripts of the hub\./);
  expect(failure.message.split('\n')).toHaveLength(1);
  expect(failure.cause).toBe(refusal);
});

it.each([
  'NOPERM User app has no permissions to run the EVALSHA command',
  // The limit of a plan, by an error of the server before the script.
  'ERR max daily request limit exceeded',
])('leaves the refusal %j of its first script as it is', async (words) => {
  const refusal = toRefusal(new Error(words), 'redis:6379', '+@all');
  const commands = { address: 'redis:6379', read: () => Promise.reject(refusal) } as unknown as Commands;
  expect(await failureOf(checkCommands(commands, 'clock', false))).toBe(refusal);
});

it('leaves other refusals as they are', () => {
  const refusal = toRefusal(new Error('LOADING Redis is loading the dataset in memory'), 'redis:6379', '');
  expect(toUnsupported(refusal, 'redis:6379', false)).toBe(refusal);
});

it('needs neither EVAL nor CLIENT', async () => {
  for (const command of ['EVAL', 'CLIENT']) {
    expect((await startWithout(command)).message).toMatch(/^resolved with/);
  }
});

it('starts without INFO, and warns of what it cannot find out', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  // As by rename-command: the tests' own server is found by its INFO.
  const server = await RedisServer.start();
  const proxy = await TcpProxy.start({ target: server.port });
  proxy.transform((direction, chunk) =>
    direction === 'toServer'
      ? Buffer.from(chunk.toString('latin1').replace(/^info\r$/gim, 'none\r'), 'latin1')
      : chunk,
  );
  try {
    expect((await startOn({ url: `redis://127.0.0.1:${proxy.port}` })).message).toMatch(
      /^resolved with "Redis at/,
    );
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('does not answer INFO'));
  } finally {
    jest.restoreAllMocks();
    await proxy.stop();
    await server.stop();
  }
});

it('refuses a node of a cluster whose other node has the keys, and warns of the one that has them', async () => {
  const args = ['--cluster-enabled', 'yes'];
  const nodes = [await RedisServer.start({ args }), await RedisServer.start({ args })];
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  try {
    // Slots by hand, since Redis 6.2 has no ADDSLOTSRANGE.
    for (const [i, node] of nodes.entries()) {
      await node.cli('CLUSTER', 'ADDSLOTS', ...Array.from({ length: 8_192 }, (_, slot) => i * 8_192 + slot));
    }
    await nodes[0]!.cli('CLUSTER', 'MEET', '127.0.0.1', nodes[1]!.port);
    await until(async () => /cluster_state:ok/.test(String(await nodes[0]!.cli('CLUSTER', 'INFO'))));
    // CLUSTER KEYSLOT of these prefixes: 7752 and 11819.
    expect(await startOn(nodes[0]!, { prefix: 'p2' })).toMatchObject({
      message: expect.stringMatching(/^resolved with/),
    });
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('is a node of a Redis Cluster'));
    const failure = await startOn(nodes[0]!, { prefix: 'p1' });
    expect(failure).toBeInstanceOf(UnsupportedRedisError);
    expect(failure.message).toMatch(/Redis Cluster.*belong to its node 127\.0\.0\.1:\d+\. Name the cluster/);
  } finally {
    jest.restoreAllMocks();
    await Promise.all(nodes.map((node) => node.stop()));
  }
});
