import { AppProcess, findRedisBinary, findRedisCli, RedisServer, until } from '@nestjs-sse-redis/testing';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('RedisServer', () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  afterAll(() => redis.stop());

  it('is a Redis of its own', async () => {
    const other = await RedisServer.start();
    expect(other.port).not.toBe(redis.port);
    await redis.cli('SET', 'key', 'mine');
    expect(await other.cli('GET', 'key')).toBeNull();
    expect(await redis.cli('GET', 'key')).toBe('mine');
    expect(await redis.cli('INFO', 'server')).toContain(`process_id:${redis.pid}\r\n`);
    expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`);
    await other.stop();
  });

  it('keeps nothing on disk by default', async () => {
    expect(await redis.cli('CONFIG', 'GET', 'save')).toEqual(['save', '']);
    expect(await redis.cli('CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'no']);
    await redis.cli('SET', 'key', 'value');
    await redis.restart();
    expect(await redis.cli('GET', 'key')).toBeNull();
  });

  it('crashes and comes back on its port; its clients see both', async () => {
    const client = redis.client({ retryStrategy: () => 5 });
    await client.ping();
    const { pid, port } = redis;
    await redis.kill();
    expect(isAlive(pid)).toBe(false);
    expect(redis.isRunning).toBe(false);
    expect(() => redis.pid).toThrow(/not running/);
    await until(() => client.status === 'reconnecting');
    await expect(redis.cli('PING')).rejects.toThrow();

    await redis.restart();
    expect(redis.port).toBe(port);
    expect(redis.pid).not.toBe(pid);
    await until(() => client.status === 'ready');
    expect(await redis.cli('PING')).toBe('PONG');
  });

  it('pauses: connections stay up and nothing answers', async () => {
    const client = redis.client();
    await client.ping();
    let answered = false;
    redis.pause();
    expect(redis.isPaused).toBe(true);
    const ping = client.ping().then(() => (answered = true));
    await expect(until(() => answered, { timeout: 50 })).rejects.toThrow();
    expect(client.status).toBe('ready');
    redis.resume();
    expect(redis.isPaused).toBe(false);
    await ping;
  });

  it('stops a server that is paused, and closes its clients', async () => {
    const other = await RedisServer.start();
    const client = other.client();
    await client.ping();
    const { pid } = other;
    other.pause();
    await other.stop();
    expect(isAlive(pid)).toBe(false);
    await until(() => client.status === 'end');
    await other.stop(); // once more does no harm
  });
});

describe('persistence', () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await RedisServer.start({ persistence: true });
  });

  afterAll(() => redis.stop());

  it('outlives a shutdown and a crash, unless the restart is to be empty', async () => {
    await redis.cli('SET', 'key', 'value');
    await redis.restart();
    expect(await redis.cli('GET', 'key')).toBe('value');
    await redis.kill();
    await redis.restart();
    expect(await redis.cli('GET', 'key')).toBe('value');
    await redis.restart({ empty: true });
    expect(await redis.cli('GET', 'key')).toBeNull();
  });
});

describe('starting', () => {
  let redis: RedisServer | undefined;

  afterEach(() => redis?.stop());

  it('passes arguments on, a password included', async () => {
    redis = await RedisServer.start({ args: ['--maxmemory', '5mb', '--requirepass', 'secret'] });
    const client = redis.client({ password: 'secret' });
    expect(await client.config('GET', 'maxmemory')).toEqual(['maxmemory', '5242880']);
  });

  it('writes files into the folder of the server before its start, and a restart finds them', async () => {
    const files = { 'users.acl': 'user default on nopass ~* &* +@all\nuser reader on nopass ~* +@read\n' };
    redis = await RedisServer.start({ files, args: ['--aclfile', 'users.acl'] });
    expect(await redis.cli('ACL', 'USERS')).toEqual(['default', 'reader']);
    await redis.cli('ACL', 'SETUSER', 'writer', 'on');
    await redis.cli('ACL', 'SAVE');
    await redis.restart();
    expect(await redis.cli('ACL', 'USERS')).toEqual(['default', 'reader', 'writer']);
  });

  it('tells what the server said when it does not start', async () => {
    await expect(RedisServer.start({ args: ['--no-such-option', '1'] })).rejects.toThrow(
      /did not start:[^]*no-such-option/,
    );
  });

  it('is not fooled by another server on the port that it is given', async () => {
    redis = await RedisServer.start();
    await expect(RedisServer.start({ port: redis.port })).rejects.toThrow(/did not start:[^]*in use/);
    expect(await redis.cli('PING')).toBe('PONG');
  });

  it('takes the port that it is given', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const address = server.address() as { port: number };
        server.close(() => resolve(address.port));
      });
    });
    redis = await RedisServer.start({ port });
    expect(redis.port).toBe(port);
  });

  it('does not outlive a parent that is killed', async () => {
    const parent = await AppProcess.start(new URL('./fixtures/parent-of-redis.ts', import.meta.url));
    await expect(isListening(parent.port)).resolves.toBe(true);
    expect(await parent.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    await until(async () => !(await isListening(parent.port)));
  });
});

describe('findRedisBinary', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bin-'));

  afterAll(() => rmSync(folder, { recursive: true }));

  it('says what to install when there is none', () => {
    expect(() => findRedisBinary({ PATH: folder })).toThrow(
      /redis-server nor valkey-server.*apt-get install/,
    );
    expect(() => findRedisBinary({ REDIS_SERVER: '/no/such/redis' })).toThrow(/"\/no\/such\/redis".*apt-get/);
  });

  it('takes Valkey too, and REDIS_SERVER before all', () => {
    const valkey = join(folder, 'valkey-server');
    writeFileSync(valkey, '#!/bin/sh\n');
    expect(() => findRedisBinary({ PATH: folder })).toThrow(); // not executable yet
    chmodSync(valkey, 0o755);
    expect(findRedisBinary({ PATH: `/nowhere:${folder}` })).toBe(valkey);
    expect(findRedisBinary({ PATH: process.env['PATH'], REDIS_SERVER: valkey })).toBe(valkey);
  });

  it('finds the command line client beside the server, if there is one', () => {
    const server = join(folder, 'redis-server');
    writeFileSync(server, '#!/bin/sh\n', { mode: 0o755 });
    expect(findRedisCli({ PATH: folder })).toBeUndefined();
    writeFileSync(join(folder, 'redis-cli'), '#!/bin/sh\n', { mode: 0o755 });
    expect(findRedisCli({ REDIS_SERVER: server })).toBe(join(folder, 'redis-cli'));
  });
});
