import { jest } from '@jest/globals';
import { forEachAdapter, until, useRedis } from '@nestjs-sse-redis/testing';
import { dataOf, Rooms, type RoomsNode } from './rooms.app.js';

const HOUR = 3_600_000;
const redis = useRedis();

/** The clock of the machine, as a time server corrects it. */
function setClockBack(): void {
  const now = Date.now.bind(Date);
  jest.spyOn(Date, 'now').mockImplementation(() => now() - HOUR);
}

forEachAdapter((adapter) => {
  let rooms: Rooms;
  afterEach(async () => {
    jest.restoreAllMocks();
    await rooms.stop();
  });

  it('asks authorize again within the interval where the clock was set back by an hour', async () => {
    let asked = 0;
    let isAllowed = true;
    const authorize = () => {
      asked++;
      return isAllowed;
    };
    rooms = await Rooms.start(
      adapter,
      redis,
      { authorize, authorization: { interval: 100 }, heartbeatInterval: 100 },
      1,
    );
    const [node] = rooms.nodes as [RoomsNode];
    const { stream } = await rooms.client(node, 'news');
    setClockBack();
    const before = asked;
    await until(() => asked > before + 2);
    isAllowed = false;
    expect(await stream.ended).toBe('end');
    expect(dataOf(stream, 'error')).toMatchObject([{ code: 'FORBIDDEN_CHANNEL' }]);
  });

  it('ends a stream at its time where the clock was set back by an hour before it came', async () => {
    rooms = await Rooms.start(adapter, redis, {}, 1);
    const [node] = rooms.nodes as [RoomsNode];
    setClockBack();
    // Not looked up in the registry: on a busy machine it may have run out before.
    const stream = rooms.stream(node, 'news', { query: { expires: '10' } });
    expect(await stream.ended).toBe('end');
    expect(dataOf(stream, 'error')).toEqual([{ code: 'EXPIRED' }]);
  });
});
