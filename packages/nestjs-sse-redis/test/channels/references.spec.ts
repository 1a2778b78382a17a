import { Controller, Param, Sse } from '@nestjs/common';
import {
  defineChannel,
  SseChannels,
  SseClient,
  SseHub,
  SseRedisModule,
  SseRegistry,
  type SseRedisOptions,
} from 'nestjs-sse-redis';
import {
  forEachAdapter,
  SseStream,
  startApp,
  until,
  useRedis,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { failureOf, Listener } from '../hub/hubs.js';

const redis = useRedis();

const orders = defineChannel('order:{id}', { events: { paid: z.number() }, rewind: 2 });
const news = defineChannel('news');
const recent = defineChannel('recent:{id}', { rewind: 3 });
const own = defineChannel('own:{user}');
const channels = [orders, news, recent, own];

@Controller()
class OrdersController {
  constructor(private readonly hub: SseHub) {}

  @Sse('connected/:id')
  connected(@SseClient() client: SseClient, @Param('id') id: string) {
    return this.hub.connect(client, [orders({ id }), news(), 'plain'], { user: 'anna' });
  }

  @Sse('one/:id')
  one(@SseClient() client: SseClient, @Param('id') id: string) {
    return this.hub.connect(client, orders({ id }));
  }

  @Sse('none/:id')
  none(@SseClient() client: SseClient, @Param('id') id: string) {
    return this.hub.connect(client, `order:${id}`, { rewind: 0 });
  }

  @Sse('decorated/:id')
  @SseChannels(({ params }) => orders({ id: params.id }))
  decorated(): void {}

  @Sse('path/:id')
  @SseChannels([orders, news, 'plain'])
  path(): void {}

  @Sse('own')
  @SseChannels(own)
  own(): void {}

  @Sse('fixed')
  @SseChannels([news(), 'plain'])
  fixed(): void {}
}

const dataOf = (stream: SseStream, type = 'paid') =>
  stream.events.filter((event) => event.type === type).map(({ data }) => JSON.parse(data) as unknown);

forEachAdapter((adapter) => {
  let running: RunningApp;
  let hub: SseHub;
  let prefix: string;
  const streams: SseStream[] = [];
  afterEach(async () => {
    await Promise.all(streams.splice(0).map((stream) => stream.close()));
    await running.close();
  });

  async function start(options: SseRedisOptions = {}): Promise<void> {
    running = await startApp(
      {
        imports: [
          SseRedisModule.forRoot({ redis: redis.url, prefix: (prefix = randomUUID()), channels, ...options }),
        ],
        controllers: [OrdersController],
      },
      adapter,
    );
    hub = running.app.get(SseHub);
  }

  async function open(path: string): Promise<SseStream> {
    const stream = SseStream.open(`${running.url}/${path}`);
    streams.push(stream);
    await stream.waitForBlock(({ id }) => id !== undefined);
    return stream;
  }

  it('streams references and names, from handlers and from decorators', async () => {
    await start();
    const all = [await open('connected/7'), await open('decorated/7'), await open('fixed')];
    await hub.publish(orders({ id: 7 }), 'paid', 1);
    await hub.publish(orders({ id: 8 }), 'paid', 2);
    await hub.publish(news(), { type: 'paid', data: 3 });
    await hub.publish('plain', { type: 'paid', data: 4 });
    await hub.publish(orders({ id: 7 }), 'paid', 5);
    await until(
      () => dataOf(all[0]!).length === 4 && dataOf(all[1]!).length === 2 && dataOf(all[2]!).length === 2,
    );
    expect(all.map((stream) => dataOf(stream))).toEqual([
      [1, 3, 4, 5],
      [1, 5],
      [3, 4],
    ]);
  });

  it('takes the parameters of a definition from the path, and the user from the client', async () => {
    const identify = ({ query }: { query: { user?: string } }) => query.user;
    await start({ identify });
    const all = [await open('path/7'), await open('own?user=anna'), await open('own?user=ben:1')];
    await hub.publish(orders({ id: 8 }), 'paid', 1);
    await hub.publish(own({ user: 'anna' }), 'paid', 2);
    await hub.publish(own({ user: 'ben:1' }), 'paid', 3);
    await hub.publish(orders({ id: 7 }), 'paid', 4);
    await hub.publish('plain', { type: 'paid', data: 5 });
    await until(() => dataOf(all[0]!).length === 2 && all.slice(1).every((one) => dataOf(one).length === 1));
    expect(all.map((stream) => dataOf(stream))).toEqual([[4, 5], [2], [3]]);
    const nobody = await fetch(`${running.url}/own`);
    expect(nobody.status).toBe(400);
    expect(await nobody.json()).toMatchObject({ message: expect.stringContaining('{user}') as string });
  });

  it('answers 400 to a request whose parameter no channel can have', async () => {
    await start();
    for (const path of ['connected', 'one', 'decorated', 'path']) {
      const response = await fetch(`${running.url}/${path}/a:b`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'INVALID_CHANNEL' });
    }
  });

  it('rewinds a new client of one channel by its definition, unless the handler says how far', async () => {
    await start();
    for (const n of [1, 2, 3]) await hub.publish(orders({ id: 7 }), 'paid', n);
    await hub.publish(news(), { type: 'paid', data: 4 });
    const all = [
      await open('one/7'),
      await open('decorated/7'),
      await open('none/7'),
      await open('connected/7'),
    ];
    await hub.publish(orders({ id: 7 }), 'paid', 5);
    await until(() => all.every((stream) => dataOf(stream).includes(5)));
    // Of several channels together nothing is well defined: they begin at now.
    expect(all.map((stream) => dataOf(stream))).toEqual([[2, 3, 5], [2, 3, 5], [5], [5]]);
  });

  it('takes references in commands to connections', async () => {
    await start({ authorize: () => true });
    const stream = await open('connected/7');
    await hub.publish(orders({ id: 9 }), 'paid', 1);
    const registry = running.app.get(SseRegistry);
    const after = await hub.cursor(orders({ id: 9 }));
    await hub.publish(orders({ id: 9 }), 'paid', 2);
    expect(await hub.subscribe({ user: 'anna' }, [orders({ id: 9 })], { after })).toMatchObject({
      connections: 1,
      refused: [],
    });
    await until(() => dataOf(stream).includes(2));
    await until(async () => (await registry.count({ channel: 'order:9' })) === 1);
    await hub.unsubscribe({ user: 'anna' }, orders({ id: 7 }));
    await until(async () => (await registry.count({ channel: 'order:7' })) === 0);
    await hub.reauthorize({ channel: orders({ id: 9 }) });
    expect(await hub.disconnect({ channel: orders({ id: 9 }) })).toMatchObject({ connections: 1 });
    expect(await stream.ended).toBe('end');
  });

  it('reads events and history by reference, also those that a schema of today would refuse', async () => {
    await start();
    const order = orders({ id: 7 });
    // A process of an earlier release, or of another application, has no such definition.
    const older = await startApp(SseRedisModule.forRoot({ redis: redis.url, prefix }), adapter);
    await older.app.get(SseHub).publish('order:7', { type: 'paid', data: 'not a number' });
    await older.close();
    const listener = new Listener(hub.events(order, { rewind: 5 }));
    const { events, cursor } = await hub.history(order);
    expect(events).toMatchObject([{ type: 'paid', data: 'not a number' }]);
    await hub.publish(order, 'paid', 2);
    await until(() => listener.data.length === 2);
    expect(listener.data).toEqual(['not a number', 2]);
    expect((await hub.history(order, { after: cursor })).events).toMatchObject([{ data: 2 }]);
    listener.unsubscribe();
  });

  it('refuses a definition in the place of one of its channels', async () => {
    await start();
    const error = await failureOf(hub.history(orders as never));
    expect(error).toMatchObject({ code: 'INVALID_CHANNEL' });
  });
});
