import { until } from '@nestjs-sse-redis/testing';
import { SseRegistry } from 'nestjs-sse-redis';
import { formatLastEventId } from '../../src/event/last-event-id.js';
import { formatEventId, parseEventId } from '../../src/event/position.js';
import { allBrokers, Hubs } from './hubs.js';

describe.each(allBrokers)('subscribe({ after }) over $broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  // Whichever is named first.
  it.each([[['{a}hall', '{a}room']], [['{a}room', '{a}hall']]])(
    'puts %j each where an id of several late channels says',
    async (channels) => {
      const test = await hubs.start();
      const before = await test.hub.cursor('{a}');
      await test.hub.publish('{a}room', { data: 'owed' });
      await test.hub.publish('{a}hall', { data: 'had already' });
      const { id } = await test.hub.publish('{a}news', { data: 'the last that it has' });
      const shard = test.hub['node'].shards.map.idOf('{a}');
      const toPosition = (text: string) => parseEventId(text.split('@')[0]!)!;
      const toId = (position: number) => formatEventId(position, 0, shard);
      const after = formatLastEventId(toPosition(id), [['{a}room', toPosition(before)]], toId);

      const client = await test.client(['{a}news']);
      const registry = test.running.app.get(SseRegistry);
      let connection: string | undefined;
      await until(async () => (connection = (await registry.list({})).connections[0]?.id) !== undefined);
      expect(await test.hub.subscribe(connection!, channels, { after })).toMatchObject({ connections: 1 });
      await test.hub.publishMany(channels.map((channel) => ({ channel, data: `new in ${channel}` })));
      const messages = await client.waitFor(3);
      expect(messages.map(({ data }) => data)).toEqual(['owed', ...channels.map((name) => `new in ${name}`)]);
    },
  );
});
