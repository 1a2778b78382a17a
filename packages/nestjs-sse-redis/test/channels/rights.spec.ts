import { defineChannel, type SseRedisOptions } from 'nestjs-sse-redis';
import { forEachAdapter, until, useRedis } from '@nestjs-sse-redis/testing';
import { dataOf, Rooms } from '../http/rooms.app.js';

const redis = useRedis();
const asked: unknown[] = [];

const open = defineChannel('open', { authorize: true });
const members = defineChannel('members:{room}', { authorize: 'user' });
const own = defineChannel('own:{user}', { authorize: true });
const order = defineChannel('order:{id}:{part}', {
  authorize: (client, { id, part }) => {
    asked.push([client.user, id, part]);
    return id === client.user;
  },
});
const plain = defineChannel('plain:{id}');
const channels = [open, members, own, order, plain];

forEachAdapter((adapter) => {
  let rooms: Rooms;
  afterEach(() => rooms.stop());

  /** The channels that a client is refused, of those that it asks for. */
  async function refused(names: string, user: string | undefined, options: SseRedisOptions = {}) {
    asked.length = 0;
    rooms = await Rooms.start(adapter, redis, { channels, ...options }, 1);
    const [node] = rooms.nodes;
    const stream = rooms.stream(node!, names, user === undefined ? {} : { user });
    await until(() => stream.lastEventId !== '' || dataOf(stream, 'error').length > 0);
    await node!.hub.publish('open', { type: 'done', data: 0 });
    await until(() => dataOf(stream, 'done').length > 0);
    return dataOf(stream, 'error').map((data) => (data as { channel: string }).channel);
  }

  it("asks the rule of a channel's definition, with the parameters of its name", async () => {
    const names = 'open,members:1,own:anna,own:ben,order:anna:a,order:ben:b';
    expect(await refused(names, 'anna')).toEqual(['own:ben', 'order:ben:b']);
    expect(asked).toEqual([
      ['anna', 'anna', 'a'],
      ['anna', 'ben', 'b'],
    ]);
  });

  it('refuses whoever is nobody what takes a user', async () => {
    const names = 'open,members:1,own:anna,own:undefined1,order:a:b';
    expect(await refused(names, undefined)).toEqual(['members:1', 'own:anna', 'own:undefined1', 'order:a:b']);
  });

  it('refuses a channel for which no definition and no option says anything', async () => {
    expect(await refused('open,plain:1,else', 'anna')).toEqual(['plain:1', 'else']);
  });

  it('lets handlers decide where no definition has a rule (negative control)', async () => {
    expect(await refused('open,plain:1,else,own:ben', 'anna', { channels: [plain] })).toEqual([]);
  });

  it('leaves other channels to the option authorize, as rules and as a function', async () => {
    const rules = { else: true, 'order:{id}:{part}': true } as const;
    const names = 'open,plain:1,else,order:ben:b';
    expect(await refused(names, 'anna', { authorize: rules })).toEqual(['plain:1', 'order:ben:b']);
    await rooms.stop();
    const authorize: SseRedisOptions['authorize'] = (_client, channel) => channel !== 'else';
    expect(await refused(names, 'anna', { authorize })).toEqual(['else', 'order:ben:b']);
  });
});
