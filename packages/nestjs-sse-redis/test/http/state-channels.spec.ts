import {
  forEachAdapter,
  Random,
  SseStream,
  startApp,
  until,
  useRedis,
  type RunningApp,
  type SseBlock,
} from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { defineChannel, SseHub, SseRegistry, type SseRedisOptions } from 'nestjs-sse-redis';
import type { Broker } from '../../src/broker/broker.interface.js';
import { StartResolver } from '../../src/delivery/start-resolver.js';
import { SinkWriter } from '../../src/delivery/sink-writer.js';
import { MapView } from './map-view.js';
import { newsModule } from './news.app.js';

/** What the negative control of a map's part takes the place of. */
type ResumeMaps = (
  this: ResolverParts,
  channels: readonly string[],
  id: { readonly owed: ReadonlyMap<string, number> },
  cursor: number,
  after: Map<string, number>,
) => Promise<ReadonlyMap<string, number>>;
interface ResolverParts {
  readonly broker: Broker;
}

const KEYS = 8;
const boards = defineChannel('board:{id}', { state: { maxKeys: KEYS } });
const board = boards({ id: 1 });
const redis = useRedis();

/** A map as the application has it, which changes at random. */
class Model {
  readonly map = new Map<string, unknown>();
  private value = 0;

  constructor(
    private readonly random: Random,
    readonly channel = board,
  ) {}

  /** Publishes a change. Often enough a key is removed for removals to be forgotten. */
  async change(hub: SseHub): Promise<void> {
    const key = `k${this.random.int(KEYS * 4)}`;
    if (this.map.size >= KEYS && !this.map.has(key))
      return this.remove(hub, this.random.pick([...this.map.keys()]));
    if (this.random.chance(0.3)) return this.remove(hub, key);
    this.map.set(key, ++this.value);
    await hub.publish(this.channel, ...this.toEvent(key));
  }

  async put(hub: SseHub, key: string): Promise<void> {
    if (this.map.size >= KEYS && !this.map.has(key)) await this.remove(hub, [...this.map.keys()][0]!);
    this.map.set(key, ++this.value);
    await hub.publish(this.channel, ...this.toEvent(key));
  }

  async remove(hub: SseHub, key: string): Promise<void> {
    this.map.delete(key);
    await hub.remove(this.channel, key);
  }

  private toEvent(key: string) {
    const data = { channel: this.channel.name, key, value: this.value, fill: 'x'.repeat(50) };
    return [{ type: 'put', data }, { key }] as const;
  }
}

const isEqual = (one: Map<string, unknown>, other: Map<string, unknown>): boolean =>
  one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);

/** What a browser has after the first of these blocks. */
function receive(blocks: readonly SseBlock[]): { view: MapView; lastEventId: string } {
  const view = new MapView();
  for (const { message } of blocks) if (message) view.take(message);
  return { view, lastEventId: blocks.findLast(({ id }) => id !== undefined)?.id ?? '' };
}

forEachAdapter((adapter) => {
  const apps: RunningApp[] = [];
  const streams: SseStream[] = [];

  async function start(options: SseRedisOptions = {}) {
    const running = await startApp(
      newsModule({ prefix: randomUUID(), redis: redis.url, channels: [boards], ...options }),
      adapter,
    );
    apps.push(running);
    const url = (...channels: string[]) => `${running.url}/streams?channels=${channels.join(',')}`;
    return { hub: running.app.get(SseHub), url, registry: running.app.get(SseRegistry) };
  }

  /** Streams into a view until it has the map of the model. */
  async function stream(url: string, lastEventId: string, view: MapView, model: Model): Promise<SseStream> {
    const stream = SseStream.open(url, {
      ...(lastEventId && { lastEventId }),
      onBlock: ({ message }) => message && view.take(message),
    });
    streams.push(stream);
    await until(() => isEqual(view.mapOf(model.channel.name), model.map), {
      message: `the map of ${lastEventId} is that of the model`,
    });
    return stream;
  }

  afterEach(async () => {
    for (const one of streams.splice(0)) void one.close();
    await Promise.all(apps.splice(0).map((running) => running.close()));
  });

  it.each([
    ['alone', ['board:1'], 1],
    ['beside others', ['news', 'board:1', 'board:2'], 1],
    ['over shards', ['news', 'board:1', 'board:2'], 3],
  ])(
    'gives a newcomer the map, and the rest of it after a cut at any block, %s',
    async (_, channels, shards) => {
      const { hub, url } = await start({ shards });
      const model = new Model(new Random(1));
      for (let i = 0; i < 60; i++) await model.change(hub);
      await hub.publish('news', { data: 0 });
      const view = new MapView();
      const first = await stream(url(...channels), '', view, model);
      await until(() => first.blocks.length > model.map.size + (channels.includes('news') ? 2 : 1));
      const states = channels.filter((name) => name.startsWith('board'));
      await until(() => view.begun === states.length);
      const blocks = [...first.blocks];
      expect(blocks.length).toBeGreaterThan(6);
      let number = 0;
      for (let end = 0; end <= blocks.length; end++) {
        const before = receive(blocks.slice(0, end));
        if (end % 2 === 1) await model.change(hub);
        const second = await stream(url(...channels), before.lastEventId, before.view, model);
        const [message] = await Promise.all([
          hub.publish(
            'board:2',
            { type: 'put', data: { channel: 'board:2', key: 'a', value: ++number } },
            { key: 'a' },
          ),
          model.put(hub, 'k0'),
        ]);
        expect(message.id).toBeDefined();
        await until(() => isEqual(before.view.mapOf('board:1'), model.map));
        if (channels.length > 1) await until(() => before.view.mapOf('board:2').get('a') === number);
        expect(before.view.faults).toEqual([]);
        void second.close();
      }
    },
  );

  it('goes on within the map where it was cut off, unless removals were forgotten since', async () => {
    const { hub, url } = await start();
    const model = new Model(new Random(2));
    for (let i = 0; i < 60; i++) await model.change(hub);
    while (model.map.size < 4) await model.change(hub);
    const first = await stream(url('board:1'), '', new MapView(), model);
    const blocks = [...first.blocks];
    const inMap = blocks.findIndex(({ message }) => message?.type === 'put') + 1;
    const cut = receive(blocks.slice(0, inMap));
    expect(cut.view.mapOf('board:1').size).toBe(1);
    const again = receive(blocks.slice(0, inMap));
    await stream(url('board:1'), cut.lastEventId, cut.view, model);
    expect(cut.view).toMatchObject({ begun: 1, faults: [], received: model.map.size + removalsIn(blocks) });
    for (let i = 0; i < 60; i++) await model.change(hub);
    await stream(url('board:1'), again.lastEventId, again.view, model);
    expect(again.view).toMatchObject({ begun: 2, faults: [] });
  });

  it('begins anew for a client with a part of the map of which a removal was forgotten', async () => {
    const { view, map } = await returnWithPart();
    expect(view.mapOf('board:1')).toEqual(map);
    expect(view).toMatchObject({ begun: 2, faults: [] });
  });

  it('negative control: where an id does not say with which floor its map began, a removed key stays', async () => {
    const prototype = StartResolver.prototype as unknown as { resumeMaps: ResumeMaps };
    const { resumeMaps } = prototype;
    // As if the name of a part were that of the channel alone: each map is taken for the one that the client has a part of.
    prototype.resumeMaps = async function (this: ResolverParts, channels, { owed }, cursor, after) {
      const requests = channels.map((channel) => ({ channel, after: cursor }));
      const slices = await this.broker.read(requests, { records: 1, bytes: 1 });
      for (const { channel } of slices) after.set(channel, Math.min(...owed.values()));
      return new Map(slices.map(({ channel, logStart }) => [channel, logStart]));
    };
    try {
      const { view } = await returnWithPart();
      expect(view.mapOf('board:1').has('gone')).toBe(true);
      expect(view.begun).toBe(1);
    } finally {
      prototype.resumeMaps = resumeMaps;
    }
  });

  /** A client is cut off behind the first entry of the map, whose removal is forgotten before it returns. */
  async function returnWithPart() {
    const { hub, url } = await start();
    const model = new Model(new Random(6));
    for (const key of ['gone', 'a', 'b']) await model.put(hub, key);
    const first = await stream(url('board:1'), '', new MapView(), model);
    const blocks = [...first.blocks];
    const { view, lastEventId } = receive(
      blocks.slice(0, blocks.findIndex(({ message }) => message?.type === 'put') + 1),
    );
    expect([...view.mapOf('board:1').keys()]).toEqual(['gone']);
    await model.remove(hub, 'gone');
    for (let i = 0; i < KEYS + 1; i++) {
      await model.put(hub, `other ${i}`);
      await model.remove(hub, `other ${i}`);
    }
    await model.put(hub, 'last');
    const second = SseStream.open(url('board:1'), {
      lastEventId,
      onBlock: ({ message }) => message && view.take(message),
    });
    streams.push(second);
    await until(() => view.completed === 1 && view.mapOf('board:1').has('last'));
    return { view, map: model.map };
  }

  it('gives the map to a client that is put on the channel while it is connected', async () => {
    const { hub, url, registry } = await start();
    const model = new Model(new Random(5));
    for (let i = 0; i < 30; i++) await model.change(hub);
    const view = new MapView();
    const onBlock = ({ message }: SseBlock) => message && view.take(message);
    const live = SseStream.open(url('news'), { onBlock });
    streams.push(live);
    await until(() => live.lastEventId !== '');
    await hub.publish('news', { data: 1 });
    await until(() => view.plain.length === 1);
    const [connection] = (await registry.list({})).connections;
    await hub.subscribe(connection!.id, board);
    await until(() => isEqual(view.mapOf('board:1'), model.map));
    await model.change(hub);
    await hub.publish('news', { data: 2 });
    await until(() => view.plain.length === 2 && isEqual(view.mapOf('board:1'), model.map));
    expect(view).toMatchObject({ begun: 1, plain: [1, 2], faults: [] });
    // One that names where it stands gets what changed since.
    const { id } = await hub.publish('news', { data: 3 });
    await hub.unsubscribe(connection!.id, board);
    await model.put(hub, 'k0');
    await hub.subscribe(connection!.id, board, { after: id });
    await until(() => isEqual(view.mapOf('board:1'), model.map));
    expect(view).toMatchObject({ begun: 1, faults: [] });
  });

  it('begins the map anew for a client that may lack a removal', async () => {
    const returned = await returnLate();
    expect(returned.view.mapOf('board:1')).toEqual(returned.map);
    expect(returned.view).toMatchObject({ begun: 2, faults: [] });
  });

  it('negative control: without the word that a map begins, a removed key stays', async () => {
    const prototype = SinkWriter.prototype as unknown as Record<string, unknown>;
    const { sendMapBegin } = prototype;
    prototype.sendMapBegin = () => undefined;
    try {
      const { view } = await returnLate();
      expect(view.mapOf('board:1').has('gone')).toBe(true);
    } finally {
      prototype.sendMapBegin = sendMapBegin;
    }
  });

  /** A client has the key `gone`, and comes back when its removal is forgotten. */
  async function returnLate() {
    const { hub, url } = await start();
    const model = new Model(new Random(3));
    await model.put(hub, 'gone');
    const view = new MapView();
    const first = await stream(url('board:1'), '', view, model);
    await first.close();
    await model.remove(hub, 'gone');
    for (let i = 0; i < KEYS + 1; i++) {
      await model.put(hub, `other ${i}`);
      await model.remove(hub, `other ${i}`);
    }
    await model.put(hub, 'last');
    const second = SseStream.open(url('board:1'), {
      lastEventId: first.lastEventId,
      onBlock: ({ message }) => message && view.take(message),
    });
    streams.push(second);
    await until(() => view.mapOf('board:1').has('last'));
    return { view, map: model.map };
  }

  it('sends a slow client the newest, and how many were left out', async () => {
    const events = 800;
    const { hub, url } = await start({ history: { maxLength: events } });
    const model = new Model(new Random(4));
    await model.put(hub, 'k0');
    const [view, plain] = [new MapView(), new MapView()];
    const slow = await stream(url('board:1'), '', view, model);
    const control = SseStream.open(url('plain'), {
      onBlock: ({ message }) => message && plain.take(message),
    });
    streams.push(control);
    await until(() => control.lastEventId !== '');
    slow.pause();
    control.pause();
    const fill = 'x'.repeat(16_384);
    for (let i = 0; i < events; i += 50)
      await hub.publishMany(
        Array.from({ length: 50 }, (_, n) => {
          const data = { channel: 'board:1', key: `k${n % 5}`, value: i + n, fill };
          return [
            { channel: board, type: 'put', data, key: data.key },
            { channel: 'plain', data },
          ];
        }).flat(),
      );
    slow.resume();
    control.resume();
    await until(() => view.received + view.conflated === events + 1 && plain.plain.length === events);
    expect(view.mapOf('board:1').get('k4')).toBe(events - 1);
    expect(view.faults).toEqual([]);
    expect(view.conflated).toBeGreaterThan(100);
    // Where nothing is left out, all come.
    expect(plain).toMatchObject({ conflated: 0, faults: [] });
  });
});

function removalsIn(blocks: readonly SseBlock[]): number {
  return blocks.filter(({ message }) => message?.type === 'map' && message.data.includes('"removed"')).length;
}

describe.each([
  { broker: 'redis', shards: 1 },
  { broker: 'redis', shards: 3 },
  { broker: 'memory', shards: 1 },
])('state channels over $broker with shards: $shards', ({ broker, shards }) => {
  it.each([1, 2, 3])(
    'are the map of the model, over cuts at random, in every process: seed %i',
    async (seed) => {
      const random = new Random(seed);
      const options: SseRedisOptions = {
        prefix: randomUUID(),
        channels: [boards],
        shards,
        ...(broker === 'redis' && { redis: redis.url }),
      };
      const apps = await Promise.all(
        Array.from({ length: broker === 'redis' ? 2 : 1 }, () => startApp(newsModule(options), 'express')),
      );
      const hubs = apps.map(({ app }) => app.get(SseHub));
      const models = [1, 2].map((id) => new Model(random, boards({ id })));
      const views = Array.from({ length: 4 }, () => new MapView());
      const lastIds: string[] = views.map(() => '');
      const open: (SseStream | undefined)[] = [];
      const connect = (i: number): void => {
        const { url } = random.pick(apps);
        open[i] = SseStream.open(`${url}/streams?channels=board:1,news,board:2`, {
          ...(lastIds[i] && { lastEventId: lastIds[i] }),
          onBlock: ({ id, message }) => {
            if (id !== undefined) lastIds[i] = id;
            if (message) views[i]!.take(message);
          },
        });
      };
      try {
        let news = 0;
        for (let round = 0; round < 150; round++) {
          await random.pick(models).change(random.pick(hubs));
          if (round % 10 === 0) await random.pick(hubs).publish('news', { data: ++news });
          const i = random.int(views.length);
          if (random.chance(0.3)) {
            if (open[i]) await open[i].close();
            open[i] = undefined;
            if (random.chance(0.7)) connect(i);
          }
        }
        views.forEach((_, i) => open[i] ?? connect(i));
        await until(() =>
          views.every((view) => models.every(({ channel, map }) => isEqual(view.mapOf(channel.name), map))),
        );
        // Those of another shard may come later.
        await until(() => views.every(({ plain }) => plain.length === 0 || plain.at(-1) === news));
        for (const { faults, plain } of views) {
          expect(faults).toEqual([]);
          // Those who came later have the rest.
          expect(plain).toEqual(
            plain.length > 0
              ? Array.from({ length: plain.length }, (_, n) => news - plain.length + n + 1)
              : [],
          );
        }
      } finally {
        for (const stream of open) void stream?.close();
        await Promise.all(apps.map((running) => running.close()));
      }
    },
  );
});
