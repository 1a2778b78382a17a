import { Random, until } from '@nestjs-sse-redis/testing';
import { createClient, stateMap, type Channel, type SseClient } from 'nestjs-sse-redis-client';
import { Deployment } from './deployment.js';
import { MapModel } from './map-model.js';

const ADDED = ['room:1', 'room:2', 'order:1', 'order:2'];
const CHANNELS = ['news', 'sport', ...ADDED];
const EVENTS = Number(process.env.EV ?? 1_000);

let deployment: Deployment;
beforeAll(async () => {
  deployment = await Deployment.start();
});
afterAll(() => deployment.stop());

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
const clients: SseClient[] = [];

/** A page whose parts come and go: each takes up its channel where the last one has left it. */
class Page {
  readonly received = new Map<string, string[]>();
  readonly gaps: unknown[] = [];
  readonly client: SseClient;
  private readonly open = new Map<string, Channel>();

  constructor(
    random: Random,
    private readonly cursor: string,
  ) {
    const pickUrl = () => deployment.pickUrl(random);
    this.client = createClient({
      url: () => `${pickUrl()}/streams?channels=news,sport`,
      controlUrl: () => `${pickUrl()}/sse/connections`,
      backoff: { min: 20, max: 200 },
      log: () => undefined,
    });
  }

  hold(name: string): void {
    const ids = this.received.get(name) ?? [];
    this.received.set(name, ids);
    const channel = this.client.channel(name, {
      after: ids.at(-1) ?? this.cursor,
      onGap: (gap) => this.gaps.push(gap),
    });
    channel.onEvent((event) => event.type !== 'gap' && ids.push(event.id));
    this.open.set(name, channel);
  }

  /** Closes a channel, or takes it up again. */
  toggle(name: string): void {
    const channel = this.open.get(name);
    if (!channel) return this.hold(name);
    this.open.delete(name);
    channel.close();
  }

  holdAll(): void {
    for (const name of CHANNELS) if (!this.open.has(name)) this.hold(name);
  }

  toString(): string {
    const counts = CHANNELS.map(
      (name) => `${this.received.get(name)!.length}/${deployment.published.get(name)!.length}`,
    );
    return `${this.client.state.status} ${counts.join(' ')}`;
  }

  isComplete(): boolean {
    return CHANNELS.every(
      (name) => this.received.get(name)!.length >= deployment.published.get(name)!.length,
    );
  }
}

it('brings each event once and in order while channels come and go, connections are cut and processes are killed', async () => {
  const random = new Random(Number(process.env.CLIENT_SEED ?? 19));
  const cursor = (
    (await (await fetch(`${deployment.pickUrl(random)}/snapshot`)).json()) as { cursor: string }
  ).cursor;
  const pages = Array.from({ length: 4 }, () => new Page(random, cursor));
  for (const page of pages) for (const name of CHANNELS) page.hold(name);

  let sent = 0;
  let killed = 0;
  while (sent < EVENTS) {
    const count = Math.min(1 + random.int(8), EVENTS - sent);
    await deployment.publish(
      ...Array.from({ length: count }, (_, i) => ({
        channel: random.pick(CHANNELS),
        type: 'tick',
        data: sent + i,
      })),
    );
    sent += count;
    for (const page of pages) {
      if (random.int(3) === 0) page.toggle(random.pick(CHANNELS));
      if (random.int(40) === 0) page.client.reconnect();
    }
    if (!process.env.NOKILL && sent > ((killed + 1) * EVENTS) / 3 && killed < 2) {
      const adapter = killed++ === 0 ? 'express' : 'fastify';
      await deployment.living[1]!.kill();
      await deployment.startNode(adapter);
    }
  }

  for (const page of pages) page.holdAll();
  await until(() => {
    if (pages.every((page) => page.isComplete())) return true;
    throw new Error(pages.map(String).join('; '));
  });
  for (const page of pages) {
    for (const name of CHANNELS) expect(page.received.get(name)).toEqual(deployment.published.get(name));
    expect(page.gaps).toEqual([]);
    page.client.close();
  }
});

it('keeps the map of a state channel while another process publishes, and the one that serves it is killed', async () => {
  const random = new Random(Number(process.env.CLIENT_SEED ?? 21));
  const model = new MapModel('board:1', 8, {
    put: (key, data) => deployment.publish({ channel: 'board:1', type: 'put', data, key }),
    remove: (key) => deployment.remove('1', key),
  });
  await model.put(MapModel.ANCHOR);
  const pickUrl = () => deployment.living[1]!.url;
  const maps = Array.from({ length: 3 }, () => {
    const client = createClient({
      url: () => `${pickUrl()}/streams?channels=news`,
      controlUrl: () => `${pickUrl()}/sse/connections`,
      backoff: { min: 20, max: 200 },
      log: () => undefined,
    });
    clients.push(client);
    return stateMap(client, 'board:1');
  });
  let lacking = 0;
  for (const cards of maps)
    cards.onChange(({ map, isLoaded }) => (lacking += isLoaded && !map.has(MapModel.ANCHOR) ? 1 : 0));
  const areEqual = () => maps.every(({ view }) => view.isLoaded && model.isEqual(view.map));
  await until(areEqual);
  for (let i = 0; i < 120; i++) {
    await model.change(random);
    if (i % 60 !== 30) continue;
    await deployment.living[1]!.kill('SIGKILL');
    // More than removals are remembered for, while nobody serves the pages.
    for (let n = 0; n < 30; n++) await model.change(random);
    await deployment.startNode('express');
  }
  await until(areEqual);
  await model.put('last');
  await until(areEqual);
  expect(lacking).toBe(0);
});
