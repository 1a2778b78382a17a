import { forEachAdapter, until, useRedis } from '@nestjs-sse-redis/testing';
import { dataOf, Rooms } from './rooms.app.js';

const redis = useRedis();

forEachAdapter((adapter) => {
  let rooms: Rooms;
  afterEach(() => rooms.stop());

  it('lets in as many connections of a user as are allowed, of 60 that come at once on three processes', async () => {
    rooms = await Rooms.start(adapter, redis, { limits: { connectionsPerUser: 10 } }, 3);
    const [first] = rooms.nodes;
    const streams = Array.from({ length: 60 }, (_, i) =>
      rooms.stream(rooms.nodes[i % 3]!, 'news', { user: 'anna' }),
    );
    await until(() =>
      streams.every((stream) => stream.lastEventId !== '' || dataOf(stream, 'error').length > 0),
    );
    const refused = streams.filter((stream) => dataOf(stream, 'error').length > 0);
    expect(streams.length - refused.length).toBe(10);
    for (const stream of refused) {
      expect(await stream.ended).toBe('end');
      expect(stream.status).toBe(200);
      expect(dataOf(stream, 'error')).toEqual([{ code: 'TOO_MANY_CONNECTIONS' }]);
      expect(stream.retry).toBeGreaterThan(0);
    }
    expect(await first!.registry.count({ user: 'anna' })).toBe(10);
    // Others are not concerned, and a place that becomes free is given away.
    await rooms.client(first!, 'news', { user: 'ben' });
    await streams.find((stream) => !refused.includes(stream))!.close();
    await until(async () => (await first!.registry.count({ user: 'anna' })) === 9);
    await rooms.client(first!, 'news', { user: 'anna' });
  });

  it('limits connections per address, in all processes together', async () => {
    rooms = await Rooms.start(adapter, redis, { limits: { connectionsPerAddress: 3 } });
    const streams = Array.from({ length: 8 }, (_, i) => rooms.stream(rooms.nodes[i % 2]!, 'news'));
    await until(() =>
      streams.every((stream) => stream.lastEventId !== '' || dataOf(stream, 'error').length > 0),
    );
    expect(streams.filter((stream) => dataOf(stream, 'error').length === 0)).toHaveLength(3);
  });

  it('limits connections per process', async () => {
    rooms = await Rooms.start(adapter, redis, { limits: { connections: 2 } });
    const [one, two] = rooms.nodes;
    await rooms.client(one!, 'news');
    await rooms.client(one!, 'news');
    const third = rooms.stream(one!, 'news');
    expect(await third.ended).toBe('end');
    expect(dataOf(third, 'error')).toEqual([{ code: 'TOO_MANY_CONNECTIONS' }]);
    await rooms.client(two!, 'news');
    expect(one!.hub.stats()).toMatchObject({ connections: 2, refusals: { TOO_MANY_CONNECTIONS: 1 } });
  });

  it('answers a status to clients that would rather have one', async () => {
    rooms = await Rooms.start(adapter, redis, { limits: { connectionsPerUser: 1 } });
    const [one, two] = rooms.nodes;
    const headers = { prefer: 'status' };
    await rooms.client(one!, 'news', { user: 'anna', headers });
    const second = rooms.stream(two!, 'news', { user: 'anna', headers });
    await second.ended;
    expect(second.status).toBe(429);
    expect(second.headers['retry-after']).toBe('1');
  });
});
