import { RedisServer, TcpProxy, until, type SseStream } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { Hubs, type TestHub } from './hubs.js';

const hubs = Hubs.over('redis');
let next: RedisServer;
let proxy: TcpProxy;
let test: TestHub;

beforeEach(async () => {
  next = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(hubs.redis.port)] });
  proxy = await TcpProxy.start({ target: hubs.redis.port });
  test = await hubs.start({ redis: `redis://127.0.0.1:${proxy.port}`, prefix: randomUUID() });
});
afterEach(async () => {
  await proxy.stop();
  await next.stop();
});

/** The replica has all so far, and becomes a master of its own. Nobody is told. */
async function promote(): Promise<void> {
  const offset = async (server: RedisServer) =>
    /(?:master|slave)_repl_offset:(\d+)/.exec(String(await server.cli('INFO', 'replication')))![1];
  await until(async () => (await offset(next)) === (await offset(hubs.redis)));
  await next.cli('REPLICAOF', 'NO', 'ONE');
}

/** The name leads to the other server from now on. */
async function switchOver(): Promise<void> {
  proxy.target = next.port;
  proxy.cut();
  await until(async () => ((await next.cli('PUBSUB', 'CHANNELS', '*')) as string[]).length > 0);
  await until(() => test.hub.stats().linkUp);
}

const publish = (channel: string, data: number) => test.hub.publish(channel, { type: 'n', data });
const typesOf = ({ messages }: SseStream) => messages.map(({ type, data }) => (type === 'gap' ? 'gap' : Number(data)));

it('tells a live client of the events that only the old server had, and sends those of the new one', async () => {
  const client = await test.client(['news', 'quiet']);
  await publish('news', 1);
  await promote();
  const { id: lost } = await publish('news', 2);
  await client.waitFor(2);
  await switchOver();
  await publish('news', 3);
  await publish('quiet', 4);
  await client.waitFor(5);
  expect(typesOf(client)).toEqual([1, 2, 'gap', 3, 4]);
  const gap = JSON.parse(client.messages[2]!.data) as { channel: string; to: string };
  expect(gap).toMatchObject({ channel: 'news', to: lost });
});
