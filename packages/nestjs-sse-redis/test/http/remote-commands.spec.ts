import { forEachAdapter, SseStream, until, useRedis } from '@nestjs-sse-redis/testing';
import { dataOf, Rooms, type RoomsNode } from './rooms.app.js';

const redis = useRedis();

describe.each([{ broker: 'redis' as const }, { broker: 'memory' as const }])(
  'over the $broker broker',
  ({ broker }) => {
    forEachAdapter((adapter) => {
      let rooms: Rooms;
      let owner: RoomsNode;
      let other: RoomsNode;

      beforeEach(async () => {
        // The embedded broker is of one process: whoever asks is the owner.
        rooms = await Rooms.start(
          adapter,
          broker === 'redis' ? redis : undefined,
          {},
          broker === 'redis' ? 2 : 1,
        );
        owner = rooms.nodes[0]!;
        other = rooms.nodes.at(-1)!;
      });
      afterEach(() => rooms.stop());

      it('sends to one connection from any process, without moving its position', async () => {
        const { stream, id } = await rooms.client(owner, 'news');
        const bystander = await rooms.client(owner, 'news');
        const { id: last } = await other.hub.publish('news', { data: 1 });
        await stream.waitFor(1);
        expect(await other.hub.sendTo(id, { type: 'hint', data: { a: 'b\nc' } })).toBe('delivered');
        await stream.waitFor(2);
        expect(dataOf(stream, 'hint')).toEqual([{ a: 'b\nc' }]);
        expect(stream.messages[1]).toMatchObject({ id: last });
        await other.hub.publish('news', { data: 2 });
        await bystander.stream.waitFor(2);
        expect(dataOf(bystander.stream, 'hint')).toEqual([]);
      });

      it('knows of no connection that is none, or is gone', async () => {
        const { stream, id } = await rooms.client(owner, 'news');
        expect(await other.hub.sendTo('nobody', { data: 1 })).toBe('unknown');
        expect(await other.hub.sendTo('no-node.1', { data: 1 })).toBe('unknown');
        expect(await other.hub.sendTo(`${owner.hub.nodeId}.zz`, { data: 1 })).toBe('unknown');
        await stream.close();
        await until(async () => (await other.hub.sendTo(id, { data: 1 })) === 'unknown');
        expect(await other.hub.disconnect({ connection: id })).toEqual({
          connections: 0,
          refused: [],
          unanswered: [],
        });
      });

      it('disconnects for good: an end event, and 204 on return, on whatever process', async () => {
        const { stream, id } = await rooms.client(owner, 'news');
        const result = await other.hub.disconnect({ connection: id }, { reason: 'signed out' });
        expect(result).toEqual({ connections: 1, refused: [], unanswered: [] });
        expect(await stream.ended).toBe('end');
        expect(dataOf(stream, 'end')).toEqual([{ reason: 'signed out' }]);
        const back = rooms.stream(other, 'news', { lastEventId: stream.lastEventId });
        await until(() => back.status !== undefined);
        expect(back.status).toBe(204);
        await until(async () => (await other.registry.get(id)) === undefined);
      });

      it('disconnects so that the client comes back and goes on', async () => {
        const { stream, id } = await rooms.client(owner, 'news');
        await other.hub.disconnect({ connection: id }, { reconnect: true });
        expect(await stream.ended).toBe('end');
        expect(dataOf(stream, 'end')).toEqual([]);
        await other.hub.publish('news', { data: 'meanwhile' });
        const back = await rooms.client(other, 'news', { lastEventId: stream.lastEventId });
        await back.stream.waitFor(1);
        expect(dataOf(back.stream)).toEqual(['meanwhile']);
      });

      it('disconnects by user, by channel and by process, and nobody else', async () => {
        const streams = {
          annaHere: await rooms.client(owner, 'a', { user: 'anna' }),
          annaThere: await rooms.client(other, 'b', { user: 'anna' }),
          ben: await rooms.client(owner, 'b', { user: 'ben' }),
          nobody: await rooms.client(other, 'a'),
        };
        const isOver = ({ stream }: { stream: SseStream }) => dataOf(stream, 'end').length > 0;
        expect(await other.hub.disconnect({ user: 'anna' })).toMatchObject({
          connections: 2,
          unanswered: [],
        });
        await until(() => isOver(streams.annaHere) && isOver(streams.annaThere));
        expect(isOver(streams.ben) || isOver(streams.nobody)).toBe(false);
        expect(await owner.hub.disconnect({ channel: 'a' })).toMatchObject({ connections: 1 });
        await until(() => isOver(streams.nobody));
        expect(isOver(streams.ben)).toBe(false);
        expect(await other.hub.disconnect({ node: owner.hub.nodeId })).toMatchObject({ connections: 1 });
        await until(() => isOver(streams.ben));
      });

      it('subscribes a live stream to more channels, from now on', async () => {
        const { stream, id } = await rooms.client(owner, 'news', { user: 'anna' });
        await other.hub.publish('room', { data: 'before' });
        expect(await other.hub.subscribe(id, ['room', 'news'])).toEqual({
          connections: 1,
          refused: [],
          unanswered: [],
        });
        await other.hub.publish('room', { data: 'after' });
        await other.hub.publish('news', { data: 'news' });
        await stream.waitFor(2);
        expect(dataOf(stream)).toEqual(['after', 'news']);
        // The registry follows within a moment.
        await until(async () => (await other.registry.get(id))?.channels.length === 2);
        expect((await other.registry.get(id))?.channels).toEqual(['news', 'room']);
        expect(await other.registry.count({ channel: 'room' })).toBe(1);
        expect((await other.registry.presence('room')).users).toEqual([{ user: 'anna', connections: 1 }]);
      });

      it('subscribes it from where it left off, each event once, and its position stays the latest', async () => {
        const cursor = await other.hub.cursor();
        await other.hub.publish('room', { data: 1 });
        await other.hub.publish('room', { data: 2 });
        const { stream, id } = await rooms.client(owner, 'news', { user: 'anna' });
        const { id: latest } = await other.hub.publish('news', { data: 'news' });
        await stream.waitFor(1);
        await other.hub.subscribe({ user: 'anna' }, 'room', { after: cursor });
        await stream.waitFor(3);
        expect(dataOf(stream)).toEqual(['news', 1, 2]);
        await until(() => stream.lastEventId >= latest);
        await other.hub.publish('room', { data: 3 });
        await stream.waitFor(4);
        expect(dataOf(stream)).toEqual(['news', 1, 2, 3]);
        await until(async () => (await other.registry.get(id))?.channels.length === 2);
      });

      it('tells of a gap where the new channel begins before what is retained', async () => {
        const { stream, id } = await rooms.client(owner, 'news');
        await other.hub.subscribe(id, 'room', { after: '1000-0' });
        await stream.waitFor((message) => message.type === 'gap');
        expect(dataOf(stream, 'gap')).toMatchObject([{ channel: 'room', from: '1000-0' }]);
      });

      it('unsubscribes it', async () => {
        const { stream, id } = await rooms.client(owner, 'news,room');
        await other.hub.unsubscribe(id, ['room', 'none']);
        await other.hub.publish('room', { data: 'room' });
        await other.hub.publish('news', { data: 'news' });
        await stream.waitFor(1);
        expect(dataOf(stream)).toEqual(['news']);
        await until(async () => (await other.registry.count({ channel: 'room' })) === 0);
        expect(owner.hub.stats().channels).toBe(1);
      });

      it('refuses more channels than a connection may have', async () => {
        const { id } = await rooms.client(owner, 'news');
        const many = Array.from({ length: 1_000 }, (_, i) => `room:${i}`);
        await expect(other.hub.subscribe(id, many)).rejects.toMatchObject({ code: 'TOO_MANY_CHANNELS' });
        expect((await other.registry.get(id))?.channels).toEqual(['news']);
      });
    });
  },
);
