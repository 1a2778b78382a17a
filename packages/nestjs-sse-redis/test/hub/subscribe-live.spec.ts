import { RedisServer } from '@nestjs-sse-redis/testing';
import { dataOf, Rooms } from '../http/rooms.app.js';

/** More than one reading of a log returns. */
const MANY = 600;

// Found by the model (rule "start"): what came of the channel while it was being read was passed over.
it('a channel that is added from long ago comes whole, also what is published meanwhile', async () => {
  const redis = await RedisServer.start();
  const rooms = await Rooms.start('fastify', redis, { probeInterval: 60_000 }, 2);
  const [owner, other] = rooms.nodes;
  const cursor = await other!.hub.cursor();
  const publish = (from: number, count: number) =>
    other!.hub.publishMany(Array.from({ length: count }, (_, i) => ({ channel: 'room', data: from + i })));
  await publish(0, MANY);
  const { stream, id } = await rooms.client(owner!, 'news');
  await other!.hub.publish('news', { data: 'news' });
  await stream.waitFor(1);
  const subscribing = other!.hub.subscribe(id, 'room', { after: cursor });
  for (let i = 0; i < 20; i++) await publish(MANY + 10 * i, 10);
  expect(await subscribing).toMatchObject({ connections: 1 });
  await stream.waitFor(1 + MANY + 200, 20_000);
  expect(dataOf(stream)).toEqual(['news', ...Array.from({ length: MANY + 200 }, (_, i) => i)]);
  await rooms.stop();
  await redis.stop();
});
