import { jest } from '@jest/globals';
import { SseStream, until } from '@nestjs-sse-redis/testing';
import { defineChannel } from 'nestjs-sse-redis';
import { MapProgress } from '../../src/delivery/map-progress.js';
import { MapView } from '../http/map-view.js';
import { brokers, Hubs } from './hubs.js';

const KEYS = 3_000;
const EMPTY = 20;
const boards = defineChannel('board:{id}', { state: { maxKeys: KEYS } });
const long = boards({ id: 'long' });

describe.each(brokers)('a client of many empty maps and a long one, over $broker,', ({ broker }) => {
  const hubs = Hubs.over(broker);

  /** What the client had when it had the long map, and an event after that. */
  async function receiveAll(): Promise<MapView> {
    const test = await hubs.start({ channels: [boards] });
    const toData = (key: string) => ({ channel: long.name, key, value: 'x'.repeat(200) });
    const events = Array.from({ length: KEYS }, (_, i) => ({ channel: long, key: `k${i}` }));
    for (let i = 0; i < KEYS; i += 1_000)
      await test.hub.publishMany(
        events
          .slice(i, i + 1_000)
          .map(({ channel, key }) => ({ channel, key, type: 'put', data: toData(key) })),
      );
    const view = new MapView();
    const channels = [...Array.from({ length: EMPTY }, (_, i) => `board:${i}`), long.name];
    const stream = SseStream.open(test.url(...channels), {
      onBlock: ({ message }) => message && view.take(message),
    });
    hubs.closeLater(() => stream.close());
    await until(() => view.completed >= channels.length);
    await test.hub.publish(long, { type: 'put', data: toData('k0') }, { key: 'k0' });
    await until(() => view.received === KEYS + 1);
    return view;
  }

  it('is told once of each that it begins', async () => {
    const view = await receiveAll();
    expect(view.mapOf(long.name).size).toBe(KEYS);
    expect(view).toMatchObject({ begun: EMPTY + 1, completed: EMPTY + 1, faults: [] });
  });

  it('is told again with each reading where that is not remembered (negative control)', async () => {
    const asked = jest.spyOn(MapProgress.prototype, 'isToldEmpty').mockReturnValue(false);
    try {
      expect((await receiveAll()).begun).toBeGreaterThan(EMPTY + 1);
    } finally {
      asked.mockRestore();
    }
  });
});
