import { Crowd, RedisServer } from '@nestjs-sse-redis/testing';
import { RoomsProcess } from './rooms-process.js';

const CLIENTS = 500;
const LIMIT = 10;

async function arrive(
  connectionsPerUser: number,
): Promise<{ open: number; refused: number; counted: number }> {
  const redis = await RedisServer.start();
  // What a process has that lost its lease is registered anew beyond the limit.
  const options = {
    redis: redis.url,
    limits: { connectionsPerUser },
    registry: { leaseTtl: 60_000 },
  };
  const nodes = await Promise.all(
    (['express', 'fastify', 'express'] as const).map((adapter) => RoomsProcess.start(adapter, options)),
  );
  // All on their way before the first is answered.
  const crowds = await Promise.all(
    nodes.map((node, i) => {
      const count = Math.floor(CLIENTS / 3) + (i < CLIENTS % 3 ? 1 : 0);
      const members = Array.from({ length: count }, () => ({
        path: '/rooms?channels=news',
        headers: { 'x-user': 'anna' },
      }));
      return Crowd.connect(node.app.port, members);
    }),
  );
  const counted = await nodes[0]!.count({ user: 'anna' });
  const sum = (of: 'open' | 'refused') => crowds.reduce((total, crowd) => total + crowd[of], 0);
  const result = { open: sum('open'), refused: sum('refused'), counted };
  for (const crowd of crowds) crowd.drop();
  await Promise.all(nodes.map((node) => node.stop()));
  await redis.stop();
  return result;
}

it(`of ${CLIENTS} clients of one user that arrive at once at three processes, exactly ${LIMIT} get in`, async () => {
  expect(await arrive(LIMIT)).toEqual({ open: LIMIT, refused: CLIENTS - LIMIT, counted: LIMIT });
});

it('negative control: admits all connections where the limit is higher', async () => {
  expect(await arrive(CLIENTS)).toEqual({ open: CLIENTS, refused: 0, counted: CLIENTS });
});
