import { deferred, forEachAdapter, until, useRedis, type SseStream } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HeldRefusals } from '../../src/clients/held-refusals.js';
import { dataOf, Rooms, type RoomsNode } from './rooms.app.js';

const redis = useRedis();
const REFUSED = [{ code: 'TOO_MANY_CONNECTIONS' }];

forEachAdapter((adapter) => {
  let rooms: Rooms;
  afterEach(async () => {
    jest.restoreAllMocks();
    await rooms.stop();
  });

  describe("onLimit: 'replace-oldest'", () => {
    const start = async (limits: object): Promise<[RoomsNode, RoomsNode]> => {
      rooms = await Rooms.start(adapter, redis, { limits: { onLimit: 'replace-oldest', ...limits } });
      return rooms.nodes as [RoomsNode, RoomsNode];
    };

    it('closes the oldest connection of the user for good, in whatever process it is, and lets the newcomer in', async () => {
      const [one, two] = await start({ connectionsPerUser: 2 });
      const { stream: oldest, id } = await rooms.client(one, 'news', { user: 'anna' });
      const { stream: second } = await rooms.client(two, 'news', { user: 'anna' });
      await rooms.client(two, 'news', { user: 'ben' });
      const { stream: newcomer } = await rooms.client(two, 'news', { user: 'anna' });
      expect(await oldest.ended).toBe('end');
      expect(dataOf(oldest, 'end')).toEqual([{ reason: 'replaced' }]);
      expect(await two.registry.count({ user: 'anna' })).toBe(2);
      expect(await two.registry.get(id)).toBeUndefined();
      expect(one.hub.stats().closes).toEqual({ replaced: 1 });
      await one.hub.publish('news', { data: 'hello' });
      for (const stream of [second, newcomer])
        await stream.waitFor(({ data }) => data === '"hello"' || data === 'hello');
      // It would take the place of the next one otherwise, in turns for ever.
      const back = rooms.stream(one, 'news', { user: 'anna', lastEventId: oldest.lastEventId });
      await back.opened.catch(() => undefined);
      await back.ended;
      expect(back.status).toBe(204);
    });

    it('closes the oldest connection of an address, also for a request with Prefer: status', async () => {
      const [one, two] = await start({ connectionsPerAddress: 1 });
      const { stream: oldest } = await rooms.client(one, 'news');
      const newcomer = rooms.stream(two, 'news', { headers: { prefer: 'status' } });
      await newcomer.waitForBlock(({ id }) => id !== undefined);
      expect(newcomer.status).toBe(200);
      expect(await oldest.ended).toBe('end');
    });

    it('lets each of 12 in that come at once, in two processes, and keeps to the limit', async () => {
      const [one, two] = await start({ connectionsPerUser: 3 });
      const streams = Array.from({ length: 12 }, (_, i) =>
        rooms.stream(i % 2 ? one : two, 'news', { user: 'anna' }),
      );
      const settled = (stream: SseStream): boolean =>
        stream.lastEventId !== '' || dataOf(stream, 'error').length > 0;
      await until(() => streams.every(settled));
      await until(async () => {
        const { connections } = await one.registry.list({ user: 'anna' });
        return connections.length === 3 && one.hub.stats().connections + two.hub.stats().connections === 3;
      });
      expect(streams.flatMap((stream) => dataOf(stream, 'error'))).toEqual([]);
      const findEnds = (): unknown[] => streams.flatMap((stream) => dataOf(stream, 'end'));
      await until(() => findEnds().length === 9);
      expect(new Set(findEnds().map((end) => JSON.stringify(end)))).toEqual(
        new Set(['{"reason":"replaced"}']),
      );
    });

    it('closes no more than one connection for a newcomer, and none for one that has left', async () => {
      const [one, two] = await start({ connectionsPerUser: 3 });
      const streams: SseStream[] = [];
      for (let i = 0; i < 3; i++) streams.push((await rooms.client(one, 'news', { user: 'anna' })).stream);
      // Its process takes the connection out of the registry late, and meanwhile the newcomer leaves.
      const { registration } = one.hub['node'] as unknown as {
        registration: { unregister(id: string): void };
      };
      const unregister = registration.unregister.bind(registration);
      const late: string[] = [];
      jest.spyOn(registration, 'unregister').mockImplementation((id) => void late.push(id));
      const newcomer = rooms.stream(two, 'news', { user: 'anna' });
      await until(() => late.length === 1);
      await newcomer.close();
      await until(() => two.hub.stats().connections === 0);
      for (const id of late) unregister(id);
      await until(async () => (await one.registry.count({ user: 'anna' })) === 2);
      expect(one.hub.stats()).toMatchObject({ connections: 2, closes: { replaced: 1 } });
    });

    it('refuses a newcomer beyond the limit of the process, whose connections are of others', async () => {
      const [one] = await start({ connections: 1 });
      const { stream } = await rooms.client(one, 'news', { user: 'anna' });
      const newcomer = rooms.stream(one, 'news', { user: 'anna' });
      expect(await newcomer.ended).toBe('end');
      expect(dataOf(newcomer, 'error')).toEqual(REFUSED);
      expect(dataOf(stream, 'end')).toEqual([]);
    });
  });

  it('refuses a newcomer whose user has clients that are there, after they were sent their positions', async () => {
    rooms = await Rooms.start(adapter, redis, { limits: { connectionsPerUser: 1 } });
    const [one, two] = rooms.nodes as [RoomsNode, RoomsNode];
    const { stream } = await rooms.client(one, 'news', { user: 'anna' });
    const blocks = stream.blocks.length;
    const newcomer = rooms.stream(two, 'news', { user: 'anna' });
    expect(await newcomer.ended).toBe('end');
    expect(dataOf(newcomer, 'error')).toEqual(REFUSED);
    await until(() => stream.blocks.length >= blocks + 2);
    expect(one.hub.stats()).toMatchObject({ connections: 1, closes: {} });
  });

  it('registers no newcomer that left while the connections of its user were proven alive', async () => {
    rooms = await Rooms.start(adapter, redis, { limits: { connectionsPerUser: 1 } });
    const [one, two] = rooms.nodes as [RoomsNode, RoomsNode];
    const { stream, id } = await rooms.client(one, 'news', { user: 'anna' });
    const { registration, clients } = two.hub['node'] as unknown as {
      registration: { has(id: string): Promise<boolean>; register(connection: object): Promise<unknown> };
      clients: { peers: { prove(scope: object): Promise<readonly string[]> } };
    };
    const proof = deferred<readonly string[]>();
    const prove = jest.spyOn(clients.peers, 'prove').mockReturnValue(proof.promise);
    const [has, register] = [jest.spyOn(registration, 'has'), jest.spyOn(registration, 'register')];
    const newcomer = rooms.stream(two, 'news', { user: 'anna' });
    await until(() => prove.mock.calls.length === 1);
    for (const leaving of [newcomer, stream]) await leaving.close();
    await until(async () => two.hub.stats().connections + (await two.registry.count({ user: 'anna' })) === 0);
    proof.resolve([id]);
    await until(() => has.mock.calls.length === 1);
    expect(await has.mock.results[0]!.value).toBe(false);
    await nextTurn();
    expect(register).toHaveBeenCalledTimes(1);
    expect(await two.registry.count({ user: 'anna' })).toBe(0);
  });

  describe('a client that ignores retry:', () => {
    /** ms from each of some requests, one after the other, to the end of its refusal. */
    async function refusals(count: number): Promise<number[]> {
      rooms = await Rooms.start(adapter, redis, { limits: { connections: 1 } }, 1);
      const [node] = rooms.nodes as [RoomsNode];
      await rooms.client(node, 'news');
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const began = performance.now();
        const stream = rooms.stream(node, 'news');
        expect(await stream.ended).toBe('end');
        times.push(performance.now() - began);
      }
      return times;
    }

    it('makes one request a second at most', async () => {
      // Timers of Node may be a millisecond early.
      expect(Math.min(...(await refusals(3)))).toBeGreaterThan(990);
    });

    it('makes as many as it likes where refusals are not held (negative control)', async () => {
      jest.spyOn(HeldRefusals.prototype, 'end').mockImplementation((response) => response.end());
      expect(Math.min(...(await refusals(5)))).toBeLessThan(990);
    });

    it('is answered at once what it is refused for, and does not hold up a shutdown', async () => {
      rooms = await Rooms.start(adapter, redis, { limits: { connections: 1 } }, 1);
      const [node] = rooms.nodes as [RoomsNode];
      await rooms.client(node, 'news');
      const stream = rooms.stream(node, 'news');
      await stream.waitFor(({ type }) => type === 'error');
      const closed = node.running.close();
      expect(await stream.ended).toBe('end');
      await closed;
    });
  });
});
