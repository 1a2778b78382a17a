import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { Redis } from 'ioredis';
import { createServer, type AddressInfo } from 'node:net';
import { createPublisher } from 'nestjs-sse-redis/publisher';
import { failedStart, failureOf, Hubs } from '../hub/hubs.js';

const FULL = 'ERR max number of clients reached';

const hubs = Hubs.over('redis');

describe('a server whose connections are all taken', () => {
  let server: RedisServer;
  let others: Redis[];
  beforeEach(async () => {
    server = await RedisServer.start({ args: ['--maxclients', '6'] });
    others = [];
  });
  afterEach(async () => {
    for (const other of others) other.disconnect();
    await server.stop();
  });

  /** Takes what is left. */
  async function takeAll(): Promise<void> {
    const limit = Number(((await server.cli('CONFIG', 'GET', 'maxclients')) as string[])[1]);
    const taken = async () =>
      /connected_clients:(\d+)/.exec(String(await server.cli('INFO', 'clients')))?.[1];
    for (let left = limit - Number(await taken()); left > 0; left--) {
      const other = new Redis(server.port, { maxRetriesPerRequest: null });
      others.push(other);
      await other.ping();
    }
  }

  /**
   * The failure that has the server's words. A busy process writes to a connection that is closed by then, before it has read: nobody has
   * the words of that attempt.
   */
  async function toldOf(act: () => Promise<unknown>): Promise<Error> {
    let failure!: Error;
    const isTold = async () => (failure = await failureOf(act())).message.includes(FULL);
    await until(isTold, { timeout: 120_000 });
    return failure;
  }

  it('fails the start with what the server said, and with what to do', async () => {
    await takeAll();
    const failure = await toldOf(() => hubs.start({ redis: server.url, connectTimeout: 4_000 }));
    expect(failure).toMatchObject({ code: 'REDIS_UNAVAILABLE', cause: { message: FULL } });
    expect(failure.message).toMatch(/took no more connections for 4000 ms \(ERR max .* raise maxclients/);
  });

  it('is the reason that the readiness names once connections are lost, and is forgotten when they are back', async () => {
    const test = await hubs.start({ redis: server.url });
    const problems = async () => (await test.hub.readiness()).problems.join();
    await takeAll();
    // The hub's connections are closed, and no others.
    await server.cli('CONFIG', 'SET', 'maxclients', 1);
    await server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(async () => (await problems()).includes(FULL));
    await server.cli('CONFIG', 'SET', 'maxclients', 100);
    await until(async () => (await test.hub.readiness()).ready);
    expect(await problems()).toBe('');
  });

  it('is what a publisher is told', async () => {
    await takeAll();
    const publisher = createPublisher({ redis: server.url, publishTimeout: 4_000 });
    const failure = await toldOf(() => publisher.publish('news', { data: 1 }));
    expect(failure).toMatchObject({ code: 'REDIS_UNAVAILABLE', cause: { message: FULL } });
    await publisher.close();
  });
});

it('names protected mode at the start, without the advice that Redis adds', async () => {
  // Redis says it to other machines alone, and tests stay on this one.
  const greeting =
    '-DENIED Redis is running in protected mode because no password is set. To turn it off, do this.\r\n';
  const server = createServer((socket) => socket.on('error', () => undefined).end(greeting));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const redis = `redis://127.0.0.1:${port}`;
  const words = /takes no connections from other machines \(DENIED [^.]* no password is set\)/;
  const failure = await failedStart(words, (connectTimeout) => hubs.start({ redis, connectTimeout }));
  expect(failure.message).toMatch(words);
  server.close();
});
