import { SseStream, until } from '@nestjs-sse-redis/testing';
import { defineChannel, type SseRedisOptions } from 'nestjs-sse-redis';
import { MapView } from '../http/map-view.js';
import { brokers, Hubs, type TestHub } from './hubs.js';

/** ms; it is forgotten a second later at the latest. */
const TTL = 1_000;
const boards = defineChannel('board:{id}', { state: true, history: { ttl: TTL } });
const board = boards({ id: 1 });
const { name } = board;

describe.each(brokers)('the map of a state channel that was forgotten, over $broker,', ({ broker }) => {
  const hubs = Hubs.over(broker);

  const put = (test: TestHub, key: string) =>
    test.hub.publish(board, { type: 'put', data: { channel: name, key, value: key } }, { key });

  async function start(options: SseRedisOptions = {}): Promise<TestHub> {
    return hubs.start({ channels: [boards], auditInterval: 500, ...options });
  }

  /** @param lastEventId of a page that returns, and that has this view */
  function open(test: TestHub, view: MapView, lastEventId?: string): SseStream {
    const stream = SseStream.open(test.url(name, 'news'), {
      ...(lastEventId !== undefined && { lastEventId }),
      onBlock: ({ message }) => message && view.take(message),
    });
    hubs.closeLater(() => stream.close());
    return stream;
  }

  const keys = (view: MapView): unknown[] => [...view.mapOf(name).keys()];

  async function untilForgotten(test: TestHub): Promise<void> {
    await until(async () => (await test.hub.history(board)).events.length === 0);
  }

  it('is empty for a page that returns', async () => {
    const test = await start();
    await put(test, 'old');
    const view = new MapView();
    const stream = open(test, view);
    await until(() => view.completed === 1);
    expect(keys(view)).toEqual(['old']);
    await stream.close();
    await untilForgotten(test);
    open(test, view, stream.lastEventId);
    await until(() => view.completed === 2);
    expect(keys(view)).toEqual([]);
  });

  it('is empty for a page that returns with a position from after it was forgotten', async () => {
    const test = await start();
    await put(test, 'old');
    const view = new MapView();
    const stream = open(test, view);
    await until(() => view.completed === 1);
    await untilForgotten(test);
    const { id } = await test.hub.publish('news', { data: 1 });
    await until(() => stream.lastEventId === id);
    await stream.close();
    open(test, view, id);
    await until(() => view.completed === 2);
    expect(keys(view)).toEqual([]);
  });

  it('is taken from pages that were connected all the time, when one of its keys is removed', async () => {
    const test = await start();
    for (const key of ['one', 'two']) await put(test, key);
    const view = new MapView();
    open(test, view);
    await until(() => view.completed === 1);
    await untilForgotten(test);
    expect(keys(view)).toEqual(['one', 'two']);
    await test.hub.remove(board, 'one');
    await until(() => view.completed === 2);
    expect(keys(view)).toEqual([]);
    expect(view).toMatchObject({ begun: 2, faults: [] });
  });

  it('stays in these pages until then (negative control)', async () => {
    const test = await start();
    await put(test, 'one');
    const view = new MapView();
    const stream = open(test, view);
    await until(() => view.completed === 1);
    await untilForgotten(test);
    const { id } = await test.hub.publish('news', { data: 1 });
    await until(() => stream.lastEventId === id);
    expect(keys(view)).toEqual(['one']);
  });

  it('gives way to the next one in pages that were connected all the time, and in those that come later', async () => {
    const test = await start();
    await put(test, 'old');
    const views = [new MapView(), new MapView()];
    const streams = views.map((view) => open(test, view));
    await until(() => views.every(({ completed }) => completed === 1));
    await streams[1]!.close();
    await untilForgotten(test);
    await put(test, 'new');
    open(test, views[1]!, streams[1]!.lastEventId);
    await until(() => views.every(({ completed }) => completed === 2));
    expect(views.map(keys)).toEqual([['new'], ['new']]);
    await put(test, 'next');
    await until(() => views.every((view) => keys(view).length === 2));
    expect(views.map(({ begun, faults }) => [begun, faults])).toEqual([
      [2, []],
      [2, []],
    ]);
  });
});
