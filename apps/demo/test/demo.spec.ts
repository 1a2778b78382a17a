import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { findRedisBinary, SseStream, until } from '@nestjs-sse-redis/testing';
import { DemoProcess } from './demo-process.js';

const REDIS_SERVER = findRedisBinary();
const NAMES = ['w1', 'w2', 'w3'];

const nameOf = (servedBy: unknown) => String(servedBy).split(' ')[0] ?? '';

/** A POST over a connection of its own, so that the next process takes it. Resolves to the status and who answered. */
function post(url: string, body?: unknown): Promise<{ status: number; by: string }> {
  return new Promise((resolve, reject) => {
    const headers = body ? { 'content-type': 'application/json' } : {};
    const call = request(url, { method: 'POST', agent: false, headers }, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, by: nameOf(response.headers['x-served-by']) });
    });
    call.on('error', reject);
    call.end(body && JSON.stringify(body));
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // In a container nobody may collect an orphan that has ended: it stays as a zombie.
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) [ZX] /.test(readFileSync(stat, 'utf8'));
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

describe('the demo on Redis', () => {
  let demo: DemoProcess;
  const streams: SseStream[] = [];

  beforeAll(async () => {
    demo = await DemoProcess.start({ REDIS_SERVER });
  });

  afterEach(async () => {
    await Promise.all(streams.splice(0).map((stream) => stream.close()));
  });

  afterAll(async () => {
    await demo?.stop();
  });

  /** `curl -N …/news`, once for each process. */
  async function streamOfEachProcess(): Promise<Map<string, SseStream>> {
    const byName = new Map<string, SseStream>();
    while (byName.size < NAMES.length) {
      const stream = SseStream.open(`${demo.url}/news`);
      streams.push(stream);
      await stream.opened;
      const name = nameOf(stream.headers['x-served-by']);
      if (byName.has(name)) await stream.close();
      else byName.set(name, stream);
      if (streams.length > 30) throw new Error(`only ${[...byName.keys()].join(', ')} answer`);
    }
    // Before its position a stream has not begun: what is posted now comes after it.
    await Promise.all(
      [...byName.values()].map((stream) => stream.waitForBlock(() => stream.lastEventId !== '')),
    );
    return byName;
  }

  it('shows a news, posted to any process, once on streams held by three processes', async () => {
    const byName = await streamOfEachProcess();
    expect([...byName.keys()].sort()).toEqual(NAMES);

    const posted: string[] = [];
    const takers = new Set<string>();
    while (takers.size < NAMES.length || posted.length < 6) {
      const headline = `headline ${posted.length + 1}`;
      const { status, by } = await post(`${demo.url}/news`, { headline });
      expect(status).toBe(201);
      takers.add(by);
      posted.push(headline);
    }
    const last = posted.at(-1) as string;
    for (const stream of byName.values()) {
      await stream.waitFor(({ data }) => data.includes(`"${last}"`));
      const headlines = stream.messages.map(
        ({ data }) => (JSON.parse(data) as { headline: string }).headline,
      );
      expect(headlines.filter((headline) => headline.startsWith('headline'))).toEqual(posted);
    }
  });

  it('listens on no port that an outgoing connection of another program may have', () => {
    const ports = [Number(new URL(demo.url).port), demo.redisPort];
    // Where the range begins on Linux.
    expect(ports.filter((port) => port < 32_768)).toEqual(ports);
    expect(new Set(ports).size).toBe(2);
  });

  it('says what is wrong with a post', async () => {
    expect((await post(`${demo.url}/news`)).status).toBe(400);
    expect((await post(`${demo.url}/news`, { headline: ' ' })).status).toBe(400);
    expect((await post(`${demo.url}/chat`, { name: 'x', text: 'y'.repeat(501) })).status).toBe(400);
    expect((await post(`${demo.url}/flood`, { run: 'a', of: 10, from: 9, count: 3 })).status).toBe(400);
    expect((await fetch(`${demo.url}/events`)).status).toBe(400);
  });

  it('has no endpoint that fails a master over without --cluster', async () => {
    expect((await post(`${demo.url}/cluster/failover`)).status).toBe(404);
    expect(await (await fetch(`${demo.url}/events/recent`)).json()).not.toHaveProperty('nodes');
  });

  it('publishes a chunk of a flood that is sent twice once', async () => {
    const stream = SseStream.open(`${demo.url}/events?tab=t`);
    streams.push(stream);
    await stream.waitFor(({ type }) => type === 'served');
    const chunk = { run: 'twice', of: 20, from: 1, count: 20 };
    expect((await post(`${demo.url}/flood`, chunk)).status).toBe(200);
    expect((await post(`${demo.url}/flood`, chunk)).status).toBe(200);
    await post(`${demo.url}/chat`, { name: 'test', text: 'that was all' });
    await stream.waitFor(({ type }) => type === 'chat');
    const numbers = stream.messages
      .filter(({ type }) => type === 'flood')
      .map(({ data }) => JSON.parse(data).n as number);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('kills a process of its own and starts another one in its place, and touches no other', async () => {
    expect((await post(`${demo.url}/processes/${process.pid}/kill`)).status).toBe(404);
    const [victim] = await demo.processes();
    expect(victim).toMatchObject({ name: 'w1', generation: 1, state: 'up' });

    expect((await post(`${demo.url}/processes/${victim!.pid}/kill`)).status).toBe(202);
    const heir = await until(async () =>
      (await demo.processes()).find(
        ({ name, generation, state }) => name === 'w1' && generation === 2 && state === 'up',
      ),
    );
    expect(heir.pid).not.toBe(victim!.pid);
    expect(isAlive(victim!.pid)).toBe(false);
  });

  it('counts the connections of each process', async () => {
    await streamOfEachProcess();
    await until(async () => (await demo.processes()).every(({ connections }) => connections === 1));
  });

  it('ends with all that it started', async () => {
    await streamOfEachProcess();
    const pids = (await demo.processes()).map(({ pid }) => pid);
    expect(pids.every(isAlive)).toBe(true);
    expect(await demo.stop()).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await isListening(demo.redisPort)).toBe(false);
  });
});

describe('the demo elsewhere', () => {
  it('runs one process without Redis and says what is missing', async () => {
    const demo = await DemoProcess.start();
    try {
      expect(demo.output).toContain('install redis-server');
      expect((await demo.processes()).map(({ name }) => name)).toEqual(['w1']);
      const stream = SseStream.open(`${demo.url}/news`);
      await stream.waitForBlock(() => stream.lastEventId !== '');
      await post(`${demo.url}/news`, { headline: 'embedded' });
      await stream.waitFor(({ data }) => data.includes('"embedded"'));
      await stream.close();
    } finally {
      await demo.stop();
    }
  });

  it('says that its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      const demo = DemoProcess.launch({ PORT: String(port) });
      expect(await demo.exited).toBe(1);
      expect(demo.output).toContain(`Port ${port} is taken`);
    } finally {
      other.close();
    }
  });

  it('gives up, saying why, if its processes cannot start', async () => {
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    await once(nobody, 'close');
    const demo = DemoProcess.launch({ REDIS_URL: `redis://127.0.0.1:${port}` });
    expect(await demo.exited).toBe(1);
    expect(demo.output).toContain('Giving up');
  });

  it('leaves nothing behind when the supervisor is killed', async () => {
    const demo = await DemoProcess.start({ REDIS_SERVER });
    const pids = (await demo.processes()).map(({ pid }) => pid);
    demo.kill('SIGKILL');
    await until(() => pids.filter(isAlive).length === 0);
    await until(async () => !(await isListening(demo.redisPort)));
  });
});
