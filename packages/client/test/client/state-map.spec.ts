import { jest } from '@jest/globals';
import { deferred, Random, until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { channelOf, createClient, stateMap, type SseClient, type StateMap } from 'nestjs-sse-redis-client';
import { defineChannel } from 'nestjs-sse-redis';
import { MapReader } from '../../src/client/map-reader.js';
import { StreamApp } from '../fixtures/stream.app.js';
import { CutStreams } from './cut-streams.js';
import { MapModel } from './map-model.js';

const KEYS = 8;
/** `MAP_SEEDS=100` runs more of them. */
const SEEDS = Array.from({ length: Number(process.env.MAP_SEEDS ?? 4) }, (_, i) => i + 1);
const boards = defineChannel('board:{id}', { state: { maxKeys: KEYS } });
const board = channelOf<typeof boards>('board:{id}');
const redis = useRedis();
const apps: StreamApp[] = [];
const clients: SseClient[] = [];
let number = 0;

async function start(shards = 1): Promise<StreamApp> {
  const app = await StreamApp.start({
    redis: redis.url,
    prefix: randomUUID(),
    channels: [boards],
    retry: 20,
    shards,
  });
  apps.push(app);
  return app;
}

function connect(app: StreamApp, streams: CutStreams, ...route: string[]): SseClient {
  const { fetch } = streams;
  const client = createClient({
    ...{ url: app.streamUrl(...route), fetch, backoff: { min: 5, max: 20 }, log: () => undefined },
  });
  clients.push(client);
  return client;
}

function nextModel({ hub }: StreamApp): MapModel {
  const own = boards({ id: ++number });
  return new MapModel(own.name, KEYS, {
    put: (key, data) => hub.publish(own, { type: 'put', data }, { key }),
    remove: (key) => hub.remove(own, key),
  });
}

/** Waits until the map is that of the model; says how they differ. */
const has = (cards: StateMap, model: MapModel) =>
  until(() => {
    if (cards.view.isLoaded && model.isEqual(cards.view.map)) return true;
    throw new Error(`loaded: ${cards.view.isLoaded}, ${model.compare(cards.view.map)}`);
  });

afterEach(() => {
  jest.restoreAllMocks();
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => Promise.all(apps.map((app) => app.stop())));

describe.each([1, 3])('stateMap() of a hub with shards: %i', (shards) => {
  let app: StreamApp;
  beforeAll(async () => {
    app = await start(shards);
  });

  it.each(SEEDS)(
    'is the map of the server over cuts at random blocks, and never shows a part of it: seed %i',
    async (seed) => {
      const random = new Random(seed);
      const [model, other] = [nextModel(app), nextModel(app)];
      for (let i = 0; i < 30; i++) await random.pick([model, other]).change(random);
      for (const one of [model, other]) await one.put(MapModel.ANCHOR);
      const streams = new CutStreams(random);
      // One on the route, one that is added.
      const client = connect(app, streams, 'news', other.name);
      const maps = [model, other].map(({ name }) => stateMap(client, name));
      const faults: string[] = [];
      for (const [i, cards] of maps.entries())
        cards.onChange(({ map, isLoaded }) => {
          if (isLoaded && !map.has(MapModel.ANCHOR)) faults.push(`${i} lacks what was never removed`);
        });
      for (let i = 0; i < 80; i++) {
        const { streams: before } = streams;
        await random.pick([model, other]).change(random);
        if (random.chance(0.3)) await until(() => streams.streams > before, { timeout: 300 }).catch(() => {});
      }
      streams.isCutting = false;
      streams.cut();
      await Promise.all([has(maps[0]!, model), has(maps[1]!, other)]);
      for (const one of [model, other]) await one.put('k0');
      await Promise.all([has(maps[0]!, model), has(maps[1]!, other)]);
      expect(faults).toEqual([]);
      expect(streams.streams).toBeGreaterThan(8);
    },
  );

  it('is there for who asks late: shared within the page, and begun anew for a channel that came without it', async () => {
    const model = nextModel(app);
    for (const key of ['a', 'b']) await model.put(key);
    const streams = new CutStreams(new Random(1), 1e6);
    const client = connect(app, streams, 'news');
    const types: string[] = [];
    const raw = client.channel(model.name);
    raw.onEvent(({ type }) => types.push(type));
    await until(() => types.length === 4);
    const first = stateMap(client, model.name);
    await has(first, model);
    const { posts } = streams;
    const second = stateMap(client, model.name);
    expect(model.isEqual(second.view.map)).toBe(true);
    expect(second.get('a')?.key).toBe('a');
    first.close();
    await model.put('c');
    await has(second, model);
    expect(streams.posts).toBe(posts);
    // For the one that was there the map began anew.
    const begun = ['map', 'put', 'put', 'map'];
    expect(types).toEqual([...begun, ...begun, 'put']);
  });

  it('needs no request where the route names the channel', async () => {
    const model = nextModel(app);
    for (const key of ['a', 'b']) await model.put(key);
    const streams = new CutStreams(new Random(1), 1e6);
    const cards = stateMap(connect(app, streams, model.name), model.name);
    await has(cards, model);
    await model.remove('a');
    await has(cards, model);
    expect(streams.posts).toBe(0);
  });
});

/** A page has the key `gone`, and comes back when its removal is forgotten. */
async function returnLate(): Promise<{ cards: StateMap; sizes: number[]; model: MapModel }> {
  const app = apps[0]!;
  const model = nextModel(app);
  await model.put('gone');
  const streams = new CutStreams(new Random(1), 1e6);
  const cards = stateMap(connect(app, streams, 'news'), model.name);
  await until(() => cards.view.map.has('gone'));
  const sizes: number[] = [];
  cards.onChange(({ map }) => sizes.push(map.size));
  const gate = deferred();
  streams.gate = gate.promise;
  streams.cut();
  await model.remove('gone');
  for (let i = 0; i < KEYS + 1; i++) {
    await model.put(`other ${i}`);
    await model.remove(`other ${i}`);
  }
  for (const key of ['first', 'last']) await model.put(key);
  gate.resolve();
  await until(() => cards.view.map.has('last'));
  return { cards, sizes, model };
}

it('takes a removed key out where its removal was forgotten, in one change', async () => {
  const { cards, sizes, model } = await returnLate();
  expect(model.isEqual(cards.view.map)).toBe(true);
  await until(() => sizes.length === 1);
  expect(sizes).toEqual([2]);
});

it('keeps a removed key where `map` is not handled (negative control)', async () => {
  // oxlint-disable-next-line unbound-method -- called with its own `this`
  const { take } = MapReader.prototype;
  jest.spyOn(MapReader.prototype, 'take').mockImplementation(function (this: MapReader, event) {
    return event.type !== 'map' && take.call(this, event);
  });
  const { cards } = await returnLate();
  expect(cards.view.map.has('gone')).toBe(true);
});

it('says that a channel without state has no map, and that a refused one has none, until it is asked for again', async () => {
  const app = apps[0]!;
  const streams = new CutStreams(new Random(1), 1e6);
  const client = connect(app, streams, 'news');
  const plain = stateMap(client, 'plain:1');
  const refused = stateMap(client, board({ id: 'secret' }));
  app.rights.forbidden.add('board:secret');
  await until(() => refused.view.error?.code === 'CHANNEL_REFUSED');
  await until(async () => (await app.registry.count({ channel: 'plain:1' })) === 1);
  await app.hub.publish('plain:1', { data: 1 });
  await until(() => plain.view.error?.code === 'NO_MAP');
  expect(plain.view).toMatchObject({ isLoaded: false });
  app.rights.forbidden.clear();
  await app.hub.publish(boards({ id: 'secret' }), { type: 'put', data: 1 }, { key: 'a' });
  const again = stateMap(client, board({ id: 'secret' }));
  await until(() => again.view.map.has('a'));
  client.close();
  expect(() => stateMap(client, board({ id: 'secret' }))).toThrow('closed');
});
