import { forEachAdapter, until, useRedis, type SseStream } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { SocketGroup } from '../../src/response/socket-group.js';
import { Rooms, type RoomsNode } from './rooms.app.js';

const redis = useRedis();
/** A colon, a percent sign, and what some parsers take for the end of a line. */
const ODD = 'order:50%:\u2028data: x\u2029é';

describe.each([
  ['a shard', {}],
  ['three shards', { shards: 3 }],
])('on %s', (_name, options) => {
  forEachAdapter((adapter) => {
    let rooms: Rooms;
    let one: RoomsNode;

    beforeEach(async () => {
      rooms = await Rooms.start(adapter, redis, options, 1);
      [one] = rooms.nodes as [RoomsNode];
    });
    afterEach(async () => {
      jest.restoreAllMocks();
      await rooms.stop();
    });

    const open = async (channels: string, query = {}, lastEventId?: string): Promise<SseStream> =>
      (await rooms.client(one, channels, { query, lastEventId })).stream;
    const channelsOf = ({ comments }: SseStream): string[] =>
      comments.filter((text) => text.startsWith('channel ')).map((text) => decodeURI(text.split(' ')[1]!));
    const dataOf = ({ messages }: SseStream): string[] =>
      messages.filter(({ type }) => type === 'message').map(({ data }) => data);

    /** Publishes events that carry the name of their channel, and returns these names. */
    async function publish(channels: readonly string[]): Promise<string[]> {
      for (const channel of channels) await one.hub.publish(channel, { data: channel });
      return [...channels];
    }

    it('names the channel of each event, live, caught up and late, where the client has control', async () => {
      const stream = await open(`news,${ODD}`, { control: '' });
      const cursor = await one.hub.cursor();
      const live = await publish(['news', ODD, ODD, 'news']);
      await until(() => dataOf(stream).length === 4);
      expect([channelsOf(stream), dataOf(stream)]).toEqual([live, live]);

      await publish(['else']);
      const back = await open(`news,${ODD},else`, { control: '' }, cursor);
      await until(() => dataOf(back).length === 5);
      expect(channelsOf(back)).toEqual(dataOf(back));
      expect(new Set(channelsOf(back))).toEqual(new Set(['news', ODD, 'else']));

      await one.hub.subscribe((await one.registry.list()).connections[0]!.id, 'else', { after: cursor });
      await until(() => dataOf(stream).length === 5);
      expect(channelsOf(stream).at(-1)).toBe('else');
    });

    it('names the channel of the end of a stream', async () => {
      const stream = await open('news,other', { control: '' });
      await one.hub.pipe('news', ['hello']);
      await until(() => stream.messages.some(({ type }) => type === 'end'));
      expect(channelsOf(stream)).toEqual(['news', 'news']);
    });

    it('names none where the client has no control', async () => {
      const stream = await open('news,other');
      await publish(['news', 'other']);
      await until(() => dataOf(stream).length === 2);
      expect(channelsOf(stream)).toEqual([]);
    });

    it('sends clients of both kinds the same events, and those of one kind together', async () => {
      const send = jest.spyOn(SocketGroup.prototype, 'send');
      const streams = await Promise.all(
        ['', 'named', 'named', '', 'named'].map(async (kind) => ({
          kind,
          stream: await open('news', kind === '' ? {} : { control: '' }),
        })),
      );
      const count = 40;
      for (let i = 0; i < count; i++) await one.hub.publish('news', { data: String(i) });
      await until(() => streams.every(({ stream }) => dataOf(stream).length >= count));
      const expected = Array.from({ length: count }, (_, i) => String(i));
      for (const { kind, stream } of streams) {
        expect(dataOf(stream)).toEqual(expected);
        expect(channelsOf(stream)).toEqual(kind === '' ? [] : expected.map(() => 'news'));
      }
      // A group is of one kind, and has two members at least.
      expect(send).toHaveBeenCalled();
    });
  });
});
