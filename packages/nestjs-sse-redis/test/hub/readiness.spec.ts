import { jest } from '@jest/globals';
import { until, useRedis } from '@nestjs-sse-redis/testing';
import { dataOf, Rooms, type RoomsNode } from '../http/rooms.app.js';

const redis = useRedis();
const set = (name: string, value: string | number) => redis.cli('CONFIG', 'SET', name, value);

/** Redis answers, and what is published by a probe arrives. */
const refusals = [
  {
    name: 'its memory is full',
    begin: () => set('maxmemory', 1),
    end: () => set('maxmemory', 0),
    code: 'REDIS_OUT_OF_MEMORY',
    words: /refused: OOM/,
  },
  {
    name: 'it lacks replicas',
    begin: () => set('min-replicas-to-write', 1),
    end: () => set('min-replicas-to-write', 0),
    // The connections are made anew meanwhile: another server may be the master.
    code: expect.stringMatching(/^REDIS_(NO_REPLICAS|UNAVAILABLE)$/) as string,
    words: /refused: NOREPLICAS/,
  },
] as const;

let rooms: Rooms;
afterEach(async () => {
  jest.restoreAllMocks();
  await rooms.stop();
});

async function start(): Promise<RoomsNode> {
  rooms = await Rooms.start('express', redis, { publishTimeout: 2_000 }, 1);
  const [node] = rooms.nodes as [RoomsNode];
  await until(async () => (await node.hub.readiness()).ready);
  return node;
}

/** The code with which a new stream is refused. */
async function refusalOf(node: RoomsNode): Promise<unknown> {
  const stream = rooms.stream(node, 'news');
  await until(() => dataOf(stream, 'error').length > 0);
  return dataOf(stream, 'error')[0];
}

describe.each(refusals)(
  'hub.readiness() where Redis refuses writes: $name',
  ({ begin, end, code, words }) => {
    afterEach(end);

    it('says why no new stream belongs here, and is ready afterwards', async () => {
      const node = await start();
      await begin();
      const { ready, problems } = await node.hub.readiness();
      expect(ready).toBe(false);
      expect(problems).toContainEqual(expect.stringMatching(words));
      expect(await refusalOf(node)).toEqual({ code });
      await end();
      await until(async () => (await node.hub.readiness()).ready);
      await rooms.client(node, 'news');
    });
  },
);

describe('hub.readiness() that does not look whether Redis takes writes', () => {
  afterEach(refusals[0].end);

  it('is ready where new streams are refused (negative control)', async () => {
    const node = await start();
    const { broker } = node.hub['node'].shards.home;
    jest.spyOn(broker, 'checkWrites').mockImplementation(async () => void (await broker.position()));
    await refusals[0].begin();
    expect(await node.hub.readiness()).toEqual({ ready: true, problems: [] });
    expect(await refusalOf(node)).toEqual({ code: refusals[0].code });
  });
});
