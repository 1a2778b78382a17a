import { until } from '@nestjs-sse-redis/testing';
import { SseRegistry, type ConnectionRecord } from 'nestjs-sse-redis';
import { formatLastEventId } from '../../src/event/last-event-id.js';
import { formatEventId, parseEventId } from '../../src/event/position.js';
import { allBrokers, Hubs, type TestHub } from './hubs.js';

/** Channels of one shard. */
const [NEWS, ROOM, HALL] = ['{a}news', '{a}room', '{a}hall'] as const;

describe.each(allBrokers)('subscribe({ after }) over $broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  /** The id of a client that lacks what was published to `ROOM` and has the rest. */
  async function leaveBehind(test: TestHub): Promise<string> {
    const before = await test.hub.cursor(ROOM);
    await test.hub.publish(ROOM, { data: 'owed' });
    await test.hub.publish(HALL, { data: 'had already' });
    const { id } = await test.hub.publish(NEWS, { data: 'the last that it has' });
    const shard = test.hub['node'].shards.map.idOf(ROOM);
    const toPosition = (text: string) => parseEventId(text.split('@')[0]!)!;
    const toId = (position: number) => formatEventId(position, 0, shard);
    return formatLastEventId(toPosition(id), [[ROOM, toPosition(before)]], toId);
  }

  async function onlyConnection(test: TestHub): Promise<ConnectionRecord> {
    const registry = test.running.app.get(SseRegistry);
    return until(async () => (await registry.list({})).connections[0]);
  }

  // Whichever is named first.
  it.each([[[HALL, ROOM]], [[ROOM, HALL]]])(
    'puts %j each where an id of several late channels says',
    async (channels) => {
      const test = await hubs.start();
      const after = await leaveBehind(test);
      const client = await test.client([NEWS]);
      const { id } = await onlyConnection(test);
      expect(await test.hub.subscribe(id, channels, { after })).toMatchObject({ connections: 1 });
      await test.hub.publishMany(channels.map((channel) => ({ channel, data: `new in ${channel}` })));
      const messages = await client.waitFor(3);
      expect(messages.map(({ data }) => data)).toEqual(['owed', ...channels.map((name) => `new in ${name}`)]);
    },
  );

  it.each([[[HALL, ROOM]], [[ROOM, HALL]]])(
    'adds none of %j where the limit is below all of them, though each has a position of its own',
    async (channels) => {
      const test = await hubs.start({ limits: { channelsPerConnection: 2 } });
      const after = await leaveBehind(test);
      await test.client([NEWS]);
      const { id } = await onlyConnection(test);
      await expect(test.hub.subscribe(id, channels, { after })).rejects.toMatchObject({
        code: 'TOO_MANY_CHANNELS',
      });
      // What is asked next is done next.
      await test.hub.subscribe(id, NEWS);
      expect((await onlyConnection(test)).channels).toEqual([NEWS]);
      expect(test.hub['node'].clients.find(id)!.channels).toEqual([NEWS]);
    },
  );
});
