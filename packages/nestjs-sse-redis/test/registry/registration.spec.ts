import { RedisServer, until } from '@nestjs-sse-redis/testing';
import type { Broker } from '../../src/broker/broker.interface.js';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard } from '../broker/broker-set-ups.js';
import { Rooms, type RoomsNode } from '../http/rooms.app.js';

describe('a process and the registry', () => {
  let redis: RedisServer;
  let rooms: Rooms;
  let node: RoomsNode;
  let other: Broker;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    rooms = await Rooms.start('fastify', redis, {}, 1);
    node = rooms.nodes[0]!;
    const options = resolveOptions({ redis: redis.url, prefix: rooms.prefix });
    other = new RedisBroker(options.redis!, options, 'other');
    await other.start(new Heard());
  });
  afterEach(async () => {
    await rooms.stop();
    await other.close();
  });

  it('agree again where the registry has lost a connection that lives', async () => {
    const { id } = await rooms.client(node, 'news', { user: 'anna', query: { name: 'Anna' } });
    const before = await node.registry.get(id);
    await other.registry.unregister([{ id, reason: 'by mistake' }]);
    await until(async () => (await node.registry.get(id)) !== undefined);
    expect(await node.registry.get(id)).toMatchObject({ ...before, since: expect.any(Number) as number });
  });

  it('agree again where the registry holds one that does not live', async () => {
    const { id } = await rooms.client(node, 'news');
    const stray = { ...(await node.registry.get(id))!, id: `${node.hub.nodeId}.stray` };
    const limits = { connectionsPerUser: 0, connectionsPerAddress: 0 };
    await other.registry.register(node.hub.nodeId, [stray], limits);
    expect(await node.registry.count()).toBe(2);
    await until(async () => (await node.registry.count()) === 1);
    expect(await node.registry.get(id)).toBeDefined();
  });

  it('agree again after Redis was away while clients came and went', async () => {
    const clients = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const stream = rooms.stream(node, 'news');
        await until(() => stream.lastEventId !== '');
        return stream;
      }),
    );
    await redis.kill();
    await Promise.all(clients.slice(0, 15).map((stream) => stream.close()));
    await until(() => node.hub.stats().connections === 5);
    await redis.restart();
    await until(async () => (await node.registry.count()) === 5, { timeout: 20_000 });
    expect(await node.registry.count({ channel: 'news' })).toBe(5);
  });

  it('part without a trace', async () => {
    await rooms.client(node, 'news', { user: 'anna' });
    await node.running.close();
    const keys = (await redis.cli('KEYS', `{${rooms.prefix}}:reg2:*`)) as string[];
    expect(keys).toEqual([]);
  });

  it('tell whoever watches of each change once, also over a lost link', async () => {
    const watching = await rooms.addNode();
    const heard: string[] = [];
    const subscription = watching.registry.changes.subscribe((change) => {
      heard.push(change.type === 'gap' ? 'gap' : `${change.type} ${change.connection.id}`);
    });
    // It has begun when it hears of somebody.
    await until(async () => {
      await (await rooms.client(node, 'news')).stream.close();
      return heard.length > 0;
    });
    const clients: Awaited<ReturnType<Rooms['client']>>[] = [];
    for (let i = 0; i < 10; i++) clients.push(await rooms.client(node, 'news'));
    // Changes come in their order: when the last has come, all have.
    await until(() => heard.at(-1) === `connected ${clients.at(-1)!.id}`);
    heard.length = 0;
    await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(() => !watching.hub.stats().linkUp);
    await Promise.all(clients.map(({ stream }) => stream.close()));
    await until(() => heard.length >= 10);
    // Both have lost it: a client that comes before its process has it back is sent away.
    await until(() => [watching, node].every(({ hub }) => hub.stats().linkUp));
    await (await rooms.client(node, 'news')).stream.close();
    await until(() => heard.length >= 12);
    expect(heard.slice(0, 10).toSorted()).toEqual(clients.map(({ id }) => `disconnected ${id}`).toSorted());
    subscription.unsubscribe();
  });
});
