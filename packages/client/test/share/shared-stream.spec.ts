import { until } from '@nestjs-sse-redis/testing';
import { browserNames, TestBrowser } from '../../../../libs/testing/src/browser.js';
import { boards } from './share.app.js';
import { ShareScene } from './share-scene.js';

const WAYS = ['worker', 'locks'] as const;
const SLOW = { interval: 30 };
/** More than a host holds of a channel. */
const MANY = Array.from({ length: 300 }, (_, i) => i + 1);

/** What a tab, and the host in it, know of channels. */
interface Kept {
  readonly progress: { readonly routed: Map<string, unknown> };
  readonly session: {
    readonly candidate: {
      readonly host?: { readonly channels: { readonly channels: Map<string, unknown> } };
    };
  };
}

describe.each(browserNames)('in %s', (name) => {
  let scene: ShareScene;
  let user = '';
  /** Channels of this test alone. */
  let news = '';
  let sport = '';

  beforeAll(async () => {
    scene = await ShareScene.start(await TestBrowser.start(name));
  });
  beforeEach(() => {
    user = scene.nextUser();
    news = `news:${user}`;
    sport = `sport:${user}`;
  });
  afterEach(() => scene.clear());
  afterAll(() => scene?.stop());

  describe.each(WAYS)('by %s', (way) => {
    it('has one stream for all tabs, which delivers events to the tabs that need them', async () => {
      const [one, two, three] = await Promise.all([
        scene.open({ way, channels: { [news]: null } }),
        scene.open({ way, channels: { [news]: null, [sport]: null } }),
        scene.open({ way }),
      ]);
      await Promise.all([scene.streams(1), scene.listeners(news, 1), scene.listeners(sport, 1)]);
      await scene.publish(news, 1, 2);
      await scene.publish(sport, 1);
      await scene.publish(`user:${user}`, 1);
      await Promise.all([one, two, three].map((tab) => scene.waitFor(tab, `user:${user}`, [1])));
      await Promise.all([one, two].map((tab) => scene.waitFor(tab, news, [1, 2])));
      await scene.waitFor(two, sport, [1]);
      expect(await three.numbers(news)).toEqual([]);
      expect(await one.numbers(sport)).toEqual([]);
      const roles = await Promise.all([one, two, three].map((tab) => tab.role()));
      expect(roles.filter((role) => role === 'worker')).toHaveLength(way === 'worker' ? 3 : 0);
      expect(roles.filter((role) => role === 'leader')).toHaveLength(way === 'worker' ? 0 : 1);
    });

    it('replays to a tab that joins late the events behind its position, and to no other', async () => {
      const one = await scene.open({ way, channels: { [news]: null } });
      await scene.listeners(news, 1);
      const [first] = await scene.publish(news, 1, 2, 3);
      await scene.waitFor(one, news, [1, 2, 3]);
      const two = await scene.open({ way, channels: { [news]: first! } });
      await scene.waitFor(two, news, [2, 3]);
      await scene.publish(news, 4);
      await Promise.all([scene.waitFor(one, news, [1, 2, 3, 4]), scene.waitFor(two, news, [2, 3, 4])]);
      await scene.streams(1);
    });

    it('asks the server for events that are older than what is held, and drops them in tabs that had them', async () => {
      const one = await scene.open({ way, channels: { [news]: null } });
      await scene.listeners(news, 1);
      const [first] = await scene.publish(news, ...MANY);
      await scene.waitFor(one, news, MANY);
      const two = await scene.open({ way, channels: { [news]: first! } });
      await scene.publish(news, 301);
      await Promise.all([
        scene.waitFor(one, news, [...MANY, 301]),
        scene.waitFor(two, news, [...MANY.slice(1), 301]),
      ]);
      await scene.streams(1);
    });

    it('begins a tab with a last event id behind it, and tells the others nothing twice', async () => {
      const channel = `user:${user}`;
      const one = await scene.open({ way });
      const [first] = await scene.publish(channel, ...MANY);
      await scene.waitFor(one, channel, MANY);
      const two = await scene.open({ way, lastEventId: first! });
      await scene.waitFor(two, channel, MANY.slice(1));
      await scene.publish(channel, 301);
      await Promise.all([
        scene.waitFor(one, channel, [...MANY, 301]),
        scene.waitFor(two, channel, [...MANY.slice(1), 301]),
      ]);
      await scene.streams(1);
    });

    it('shows the map of a state channel in each tab: also in one that joins late, and where the leader ends', async () => {
      const { hub } = scene.app;
      const board = boards({ id: user });
      const put = (key: string, data: number) => hub.publish(board, { type: 'put', data }, { key });
      for (const key of ['a', 'b']) await put(key, 1);
      const [one, two] = [await scene.openMap(way, board.name), await scene.openMap(way, board.name)];
      await scene.showsMap('a 1,b 1', one, two);
      await hub.remove(board, 'a');
      await put('c', 1);
      await put('b', 2);
      const three = await scene.openMap(way, board.name);
      await scene.showsMap('c 1,b 2', one, two, three);
      await scene.streams(1);
      await one.close();
      await hub.remove(board, 'b');
      await put('d', 1);
      const four = await scene.openMap(way, board.name);
      await scene.showsMap('c 1,d 1', two, three, four);
      // No tab ever showed a part of it.
      for (const tab of [two, three, four]) expect((await tab.map()).least).toBeGreaterThan(0);
      await scene.streams(1);
    });

    it('takes a channel off the stream when its last tab is closed', async () => {
      await scene.open({ way });
      const two = await scene.open({ way, channels: { [news]: null } });
      await scene.listeners(news, 1);
      await two.close();
      await scene.listeners(news, 0);
      expect(await scene.app.streams(user)).toBe(1);
    });

    it('keeps nothing of channels that a tab puts on and takes off', async () => {
      const tab = await scene.open({ way });
      const kept = await tab.page.evaluate((user) => {
        const stream = window.tab.stream!;
        for (let i = 0; i < 300; i++) {
          stream.add(`order:${user}:${i}`);
          stream.remove(`order:${user}:${i}`);
        }
        const { progress } = stream as unknown as { progress: object };
        const sizes = Object.values(progress).map((part) =>
          part instanceof Map || part instanceof Set ? part.size : 0,
        );
        return sizes.reduce((sum, size) => sum + size, 0);
      }, user);
      expect(kept).toBeLessThan(20);
      await scene.listeners(`order:${user}:0`, 0);
    });

    it('keeps nothing of channels that the server puts on and takes off', async () => {
      const { hub } = scene.app;
      const tab = await scene.open({ way });
      const docs = Array.from({ length: 30 }, (_, i) => `doc:${user}:${i}`);
      for (const doc of docs) {
        await hub.subscribe({ user }, [doc]);
        await scene.publish(doc, 1);
        await hub.unsubscribe({ user }, [doc]);
      }
      for (const doc of docs) await scene.waitFor(tab, doc, [1]);
      const count = () =>
        tab.page.evaluate(() => {
          const { progress, session } = window.tab.stream as unknown as Kept;
          return [progress.routed.size, session.candidate.host?.channels.channels.size ?? 0];
        });
      await until(async () => (await count()).every((size) => size < 10), {
        ...{ ...SLOW, message: 'a tab, and the host, have forgotten these channels' },
      });
    });

    it('ends the stream when the last tab is closed', async () => {
      const [one, two] = await Promise.all([scene.open({ way }), scene.open({ way })]);
      await scene.streams(1);
      await Promise.all([one.close(), two.close()]);
      await scene.streams(0);
      expect(await scene.app.listeners(`user:${user}`)).toBe(0);
    });

    it('keeps users with other keys apart', async () => {
      const other = `${user}b`;
      const [mine, theirs] = await Promise.all([scene.open({ way }), scene.open({ way, user: other })]);
      await Promise.all([scene.streams(1), scene.streams(1, other)]);
      await scene.publish(`user:${user}`, 1);
      await scene.publish(`user:${other}`, 2);
      await Promise.all([
        scene.waitFor(mine, `user:${user}`, [1]),
        scene.waitFor(theirs, `user:${other}`, [2]),
      ]);
      expect(await theirs.received()).toHaveLength(1);
    });

    it('ends the streams of all tabs when the user logs out', async () => {
      const other = `${user}b`;
      const all = await Promise.all([
        scene.open({ way }),
        scene.open({ way }),
        scene.open({ way, user: other }),
      ]);
      await scene.streams(1);
      await all[0].page.evaluate((user) => window.tab.logOut(user), user);
      await scene.streams(0);
      for (const tab of all.slice(0, 2))
        await until(async () => (await tab.state()) === 'stopped closed', SLOW);
      await scene.streams(1, other);
    });

    it('delivers each event once where the tab that has the stream is closed while events flow', async () => {
      const one = await scene.open({ way, channels: { [news]: null } });
      const [two, three] = await Promise.all([
        scene.open({ way, channels: { [news]: null } }),
        scene.open({ way, channels: { [sport]: null } }),
      ]);
      await Promise.all([scene.listeners(news, 1), scene.listeners(sport, 1)]);
      const flow = scene.publish(news, ...MANY);
      await one.close();
      // Nothing of this channel has come when its stream ends.
      await scene.publish(sport, 1);
      await flow;
      await Promise.all([scene.waitFor(two, news, MANY), scene.waitFor(three, sport, [1])]);
      await scene.streams(1);
    });
  });
});
