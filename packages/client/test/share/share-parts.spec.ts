import { until } from '@nestjs-sse-redis/testing';
import { ChannelRing } from '../../src/share/channel-ring.js';
import { HeldMap } from '../../src/share/held-map.js';
import { isAtOrBefore, leastOf } from '../../src/share/event-ids.js';
import { parseShareMessage, type SharedEvent } from '../../src/share/protocol.js';
import { LogOutSignal } from '../../src/share/log-out.js';
import { InvalidShareOptionsError } from '../../src/share/invalid-share-options.error.js';
import { logOutName } from '../../src/share/share-names.js';
import { SharedStream } from '../../src/share/shared-stream.js';
import { TabProgress } from '../../src/share/tab-progress.js';
import { urlKey } from '../../src/share/worker-link.js';

const event = (n: number, channel = 'news', everyone = false): SharedEvent => ({
  ...{ type: 'tick', data: `${n}`, id: `${n}-0`, own: `${n}-0`, channel, everyone },
});
const gap = (from: string | null, to: string): SharedEvent => ({
  ...{ type: 'gap', data: JSON.stringify({ channel: 'news', from, to }), id: to },
  ...{ channel: 'news', everyone: false },
});

describe('leastOf', () => {
  it.each([
    ['5-0', '7-0', '5-0'],
    ['7-0', '5-0', '5-0'],
    ['3-0~7-0', '5-0', '3-0~5-0'],
    ['6-0~7-0', '5-0', '5-0'],
    ['3-0~7-0', '7-0', '3-0~7-0'],
    ['5-0@0,9-0@1', '6-0@0,8-0@1', '5-0@0,8-0@1'],
    ['5-0@0', '6-0@1', '5-0@0,6-0@1'],
    ['9-0~3-0:aaaaaaaa~9-0', '5-0', '5-0~3-0:aaaaaaaa~5-0'],
    ['9-0~6-0:aaaaaaaa~9-0', '5-0', '5-0'],
    ['9-0~3-0:aaaaaaaa~9-0', '9-0', '9-0~3-0:aaaaaaaa~9-0'],
    [
      '9-0~3-0:aaaaaaaa.bbbbbbbb~9-0',
      '8-0~2-0:aaaaaaaa~7-0:cccccccc~8-0',
      '8-0~2-0:aaaaaaaa~3-0:bbbbbbbb~7-0:cccccccc~8-0',
    ],
    // The late channel may be the one that the other id names.
    ['4-0~9-0', '9-0~3-0:aaaaaaaa~9-0', '4-0~3-0:aaaaaaaa~4-0'],
    ['4-0~9-0', '6-0~8-0', '4-0'],
  ])('of %s and %s is %s', (one, other, least) => {
    expect(leastOf(one, other)).toBe(least);
  });

  it('says nothing of ids of different shards', () => {
    expect(isAtOrBefore('5-0@0', '6-0@1')).toBe(false);
  });
});

describe('TabProgress', () => {
  let progress: TabProgress;
  beforeEach(() => {
    progress = new TabProgress(undefined);
    progress.add('news', '5-0');
    progress.welcome('9-0', [['news', '5-0']]);
  });

  it('accepts events behind its position once', () => {
    expect([5, 6, 7, 6, 7, 8].map((n) => progress.accept(event(n)))).toEqual([
      false,
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  it('drops channels that other tabs have added, and events of the route from before it began', () => {
    expect(progress.accept(event(10, 'sport'))).toBe(false);
    expect(progress.accept(event(9, 'route', true))).toBe(false);
    expect(progress.accept(event(10, 'route', true))).toBe(true);
  });

  it('drops a gap that ends before what it has, and accepts one that goes beyond', () => {
    progress.accept(event(8));
    expect(progress.accept(gap('2-0', '7-0'))).toBe(false);
    expect(progress.accept(gap('8-0', '12-0'))).toBe(true);
    expect(progress.accept(event(11))).toBe(false);
  });

  it('goes on with a channel of the route that it has taken off, and takes nothing twice', () => {
    progress.add('route');
    progress.welcome('9-0', [['route', '9-0']]);
    expect(progress.accept(event(10, 'route', true))).toBe(true);
    progress.remove('route');
    expect([10, 11, 11].map((n) => progress.accept(event(n, 'route', true)))).toEqual([false, true, false]);
  });

  it('begins a channel anew behind a gap of a later line', () => {
    progress.accept(event(8));
    expect(progress.accept(gap('5-0', '6-0.1'))).toBe(true);
    expect(progress.accept({ ...event(7), own: '7-0.1' })).toBe(true);
  });

  it('takes events from before its own again where the map of a state channel begins', () => {
    const begins = JSON.stringify({ channel: 'news', begins: true });
    progress.accept(event(8));
    expect(progress.accept({ ...event(8), type: 'map', data: begins, own: undefined })).toBe(true);
    expect(progress.wants).toEqual([['news', '0-0']]);
    expect([6, 8, 7].map((n) => progress.accept(event(n)))).toEqual([true, true, false]);
  });

  it('resumes a covered channel from the position of the stream', () => {
    progress.accept(event(8));
    progress.reach('20-0', '20-0', ['news']);
    expect(progress.wants).toEqual([['news', '20-0']]);
    progress.reach('30-0', '30-0', []);
    expect(progress.wants).toEqual([['news', '20-0']]);
  });

  it('waits for the host before it takes events of a channel that another tab has', () => {
    progress.add('sport', '3-0');
    expect(progress.accept(event(11, 'sport'))).toBe(false);
    progress.welcome(null, [['sport', '3-0']]);
    expect(progress.accept(event(4, 'sport'))).toBe(true);
  });
});

describe('HeldMap', () => {
  const notice = (order: number, id: string, data: object) => ({
    order,
    event: {
      ...{ type: 'map', data: JSON.stringify({ channel: 'news', ...data }), id },
      ...{ channel: 'news', everyone: false },
    },
  });
  const put = (n: number, key: string, type = 'put') => ({
    order: n,
    event: { ...event(n), type, key },
  });
  const IN_MAP = '20-0~0-0:abcdefgh~20-0';
  const held = () => new HeldMap(notice(1, IN_MAP, { begins: true }));
  const ordersAfter = (map: HeldMap, id: string) => map.after(id).map(({ order }) => order);

  it('replays the changes behind an id, and the map from its beginning where removals may be missing', () => {
    const map = held();
    for (const one of [put(5, 'a'), put(7, 'b')]) map.push(one);
    map.push(notice(8, '20-0', { complete: true }));
    for (const one of [put(21, 'a'), put(22, 'c'), put(23, 'b', 'map')]) map.push(one);
    expect(ordersAfter(map, '20-0')).toEqual([8, 21, 22, 23]);
    expect(ordersAfter(map, '22-0')).toEqual([8, 23]);
    for (const id of ['0-0', '7-0', IN_MAP, '22-0.1']) expect(ordersAfter(map, id)).toEqual([1, 8, 21, 22]);
  });

  it('replays what has come of a map that is not whole yet', () => {
    const map = held();
    map.push(put(5, 'a'));
    expect(ordersAfter(map, '25-0')).toEqual([1, 5]);
  });

  it('forgets old removals, and gives the map to a tab from before them', () => {
    const map = held();
    map.push(notice(2, '20-0', { complete: true }));
    for (let n = 21; n < 21 + 257; n++) map.push(put(n, `k${n}`, 'map'));
    expect(ordersAfter(map, '20-0')).toEqual([1, 2]);
    expect(ordersAfter(map, '21-0')).toHaveLength(257);
  });
});

describe('ChannelRing', () => {
  it('replays nothing behind an id that names channels which lack events from before it', () => {
    const ring = new ChannelRing('1-0');
    [2, 3].forEach((n) => ring.push(n, event(n)));
    expect(ring.after('3-0')).toEqual([]);
    expect(ring.after('3-0~1-0:abcdefgh~3-0')).toBeUndefined();
  });

  it('replays what is behind an id, as far as it reaches', () => {
    const ring = new ChannelRing('1-0', 2);
    expect(ring.after('1-0')).toEqual([]);
    [2, 3, 4].forEach((n) => ring.push(n, event(n)));
    const ids = (after: string) => ring.after(after)?.map((held) => held.order);
    expect([ids('1-0'), ids('2-0'), ids('3-0'), ids('4-0')]).toEqual([undefined, [3, 4], [4], []]);
  });
});

describe('messages', () => {
  it('of another shape are none', () => {
    const ping = { kind: 'ping', tab: 'a' };
    expect(parseShareMessage(ping)).toBe(ping);
    for (const wrong of [null, 'ping', {}, { kind: 'ping' }, { kind: 'toString', tab: 'a' }])
      expect(parseShareMessage(wrong)).toBeUndefined();
  });
});

describe('LogOutSignal', () => {
  it('is heard from a tab of another release, and not from that of another user', async () => {
    const users: string[] = [];
    const signals = ['ada', 'ben'].map((key) => new LogOutSignal(logOutName(key), () => users.push(key)));
    // Written out: the name and the message are those of all releases.
    const tab = new BroadcastChannel('nestjs-sse-redis/log-out/ada');
    tab.postMessage('log-out');
    await until(() => users.length > 0);
    tab.close();
    for (const signal of signals) signal.close();
    expect(users).toEqual(['ada']);
  });
});

describe('the options', () => {
  it.each([{ key: '' }, { key: 'a', worker: true as never }, { key: 'a', leaderTimeout: Number.NaN }])(
    'are refused with the name of the option: %j',
    (share) => {
      expect(() => new SharedStream({ url: 'http://localhost/' }, share)).toThrow(InvalidShareOptionsError);
    },
  );
});

describe('urlKey', () => {
  afterEach(() => {
    for (const name of ['document', 'location']) delete (globalThis as Record<string, unknown>)[name];
  });

  it.each([
    [
      'a page',
      { document: { baseURI: 'https://app.example/base/' }, location: { href: 'https://other.example/' } },
    ],
    ['a dedicated worker', { location: { href: 'https://app.example/base/worker.js' } }],
  ])('resolves a relative URL against that of %s', (_, scope) => {
    Object.assign(globalThis, scope);
    expect(urlKey({ url: 'events' })).toBe('https://app.example/base/events');
  });
});
