import { forEachAdapter, until, useRedis } from '@nestjs-sse-redis/testing';
import { dataOf, Rooms, type RoomsNode } from './rooms.app.js';

const redis = useRedis();

describe.each([
  ['a shard', {}],
  ['three shards', { shards: 3 }],
])('a stream that begins without channels, on %s', (_name, options) => {
  forEachAdapter((adapter) => {
    let rooms: Rooms;
    let one: RoomsNode;
    let refused: string[];

    beforeEach(async () => {
      refused = [];
      const authorize = (_client: unknown, channel: string) => !refused.includes(channel);
      rooms = await Rooms.start(adapter, redis, { ...options, authorize }, 2);
      [one] = rooms.nodes as [RoomsNode];
    });
    afterEach(() => rooms.stop());

    const open = (lastEventId?: string) =>
      rooms.client(one, '', { user: 'anna', query: { control: '' }, ...(lastEventId && { lastEventId }) });

    it('gets the events of the channels that it is put on, and is known without them', async () => {
      const { stream, id } = await open();
      expect(dataOf(stream, 'control')).toMatchObject([{ connection: id, channels: [] }]);
      const other = rooms.nodes[1]!;
      expect((await other.registry.list({ user: 'anna' })).connections).toMatchObject([{ id, channels: [] }]);
      await one.hub.publish('a', { data: 'before' });
      await other.hub.subscribe(id, ['a', 'b']);
      await one.hub.publish('a', { data: 1 });
      await one.hub.publish('b', { data: 2 });
      await until(() => dataOf(stream).length === 2);
      expect(new Set(dataOf(stream))).toEqual(new Set([1, 2]));
      await one.hub.unsubscribe(id, ['a', 'b']);
      expect(await other.hub.sendTo(id, { data: 'to it' })).toBe('delivered');
      await until(() => dataOf(stream).length === 3);
      expect(dataOf(stream)[2]).toBe('to it');
    });

    it('goes on behind its last id with channels that it is put on again', async () => {
      const { stream, id } = await open();
      await one.hub.subscribe(id, 'a');
      await one.hub.publish('a', { data: 1 });
      await until(() => dataOf(stream).length === 1);
      const { lastEventId } = stream;
      await stream.close();
      await one.hub.publish('a', { data: 2 });
      const back = await open(lastEventId);
      expect(dataOf(back.stream, 'gap')).toEqual([]);
      await one.hub.subscribe(back.id, 'a', { after: lastEventId });
      await one.hub.publish('a', { data: 3 });
      await until(() => dataOf(back.stream).length === 2);
      expect(dataOf(back.stream)).toEqual([2, 3]);
    });

    it('is asked for each channel that it is to be put on', async () => {
      refused = ['secret'];
      const { stream } = await open();
      const [{ connection, secret }] = dataOf(stream, 'control') as [{ connection: string; secret: string }];
      const answer = await fetch(`${one.running.url}/sse/connections/${connection}/channels`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ secret, subscribe: ['secret', 'open'] }),
      });
      expect(await answer.json()).toMatchObject({ refused: ['secret'] });
      // The registry is told behind the answer.
      await until(async () => (await one.registry.count({ channel: 'open' })) === 1);
      expect((await one.registry.list()).connections).toMatchObject([{ channels: ['open'] }]);
    });

    it('stays where the only channel that it was put on is revoked, and is put on others', async () => {
      const { stream, id } = await open();
      const other = rooms.nodes[1]!;
      await other.hub.subscribe(id, 'a');
      refused = ['a'];
      await other.hub.reauthorize({ user: 'anna' });
      await other.hub.subscribe(id, 'b');
      await one.hub.publish('a', { data: 'secret' });
      await one.hub.publish('b', { data: 1 });
      await until(() => dataOf(stream).length === 1);
      expect(dataOf(stream)).toEqual([1]);
      expect(dataOf(stream, 'error')).toEqual([{ code: 'FORBIDDEN_CHANNEL', channel: 'a' }]);
    });

    it('ends for good where a channel of its handler is revoked with all others', async () => {
      const { stream, id } = await rooms.client(one, 'own', { user: 'anna', query: { control: '' } });
      await one.hub.subscribe(id, 'a');
      refused = ['a', 'own'];
      await one.hub.reauthorize({ user: 'anna' });
      expect(await stream.ended).toBe('end');
      const [{ channels }] = dataOf(stream, 'error') as [{ channels: string[] }];
      expect(new Set(channels)).toEqual(new Set(refused));
      expect(dataOf(stream, 'end')).toEqual([{ reason: 'forbidden' }]);
    });

    it('stays where the stream of the only channel that it was put on ends, and gets the next', async () => {
      const { stream, id } = await open();
      await one.hub.subscribe(id, 'a');
      await rooms.nodes[1]!.hub.pipe('a', ['first']);
      await until(() => dataOf(stream, 'end').length === 1);
      await one.hub.subscribe(id, 'b');
      await rooms.nodes[1]!.hub.pipe('a', ['second']);
      await one.hub.pipe('b', ['third']);
      await until(() => dataOf(stream, 'end').length === 3);
      expect(new Set(dataOf(stream))).toEqual(new Set(['first', 'second', 'third']));
      expect(await one.hub.sendTo(id, { data: 'to it' })).toBe('delivered');
    });

    it('ends with the channels of its handler', async () => {
      const { stream, id } = await rooms.client(one, 'own', { user: 'anna', query: { control: '' } });
      await one.hub.subscribe(id, 'a');
      for (const channel of ['own', 'a']) await one.hub.pipe(channel, ['all']);
      expect(await stream.ended).toBe('end');
      expect(dataOf(stream, 'end')).toHaveLength(2);
    });

    it('is told where the application does not read the body of its request', async () => {
      const { id } = await open();
      const url = `${one.running.url}/sse/connections/${id}/channels`;
      // Without a content type that a parser takes, as with `bodyParser: false`.
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ subscribe: ['a'] }) });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        message: expect.stringContaining('send application/json') as string,
      });
    });

    it('is refused without control, since nobody could put it on a channel', async () => {
      const answer = await fetch(`${one.running.url}/rooms?channels=`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        code: 'INVALID_CHANNEL',
        message: expect.stringContaining('control: true') as string,
      });
    });
  });
});
