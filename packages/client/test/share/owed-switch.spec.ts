import { until } from '@nestjs-sse-redis/testing';
import { createHash } from 'node:crypto';
import { browserNames, TestBrowser } from '../../../../libs/testing/src/browser.js';
import { ShareScene } from './share-scene.js';
import type { TestTab } from './test-tab.js';

const SLOW = { interval: 30 };

/** What a page does with its next host. */
interface Held {
  isAsked: boolean;
  go?: () => void;
  /** The id with which it ended. */
  upTo?: string;
}

/** The tab, once it has the stream, asks for channels only when it is let, and is gone when the stream says that these lack events. */
async function holdChanges(tab: TestTab): Promise<void> {
  await tab.page.evaluate(() => {
    const held: Held = { isAsked: false };
    Object.assign(window, { held });
    const ask = window.fetch.bind(window);
    window.fetch = async (input, init) => {
      if ((input as string).endsWith('/channels')) {
        held.isAsked = true;
        await new Promise<void>((resolve) => (held.go = resolve));
      }
      return ask(input, init);
    };
    const post = Reflect.get(BroadcastChannel.prototype, 'postMessage') as (message: unknown) => void;
    BroadcastChannel.prototype.postMessage = function (message: { upTo?: string | null }) {
      post.call(this, message);
      if (!message.upTo?.includes(':')) return;
      held.upTo = message.upTo;
      window.tab.stream!.close();
    };
  });
}

const heldOf = (tab: TestTab) =>
  tab.page.evaluate(() => {
    const { isAsked, upTo } = (window as unknown as { held: Held }).held;
    return { isAsked, upTo };
  });

describe.each(browserNames)('in %s', (name) => {
  let scene: ShareScene;
  let news: string;

  beforeAll(async () => {
    scene = await ShareScene.start(await TestBrowser.start(name));
  });
  beforeEach(() => (news = `news:${scene.nextUser()}`));
  afterEach(() => scene.clear());
  afterAll(() => scene?.stop());

  it('delivers each event where a tab that has the stream is closed while the id of the stream names channels', async () => {
    const way = 'locks';
    const one = await scene.open({ way });
    const two = await scene.open({ way });
    await holdChanges(two);
    const three = await scene.open({ way, channels: { [news]: null } });
    await scene.listeners(news, 1);
    await one.close();
    await until(async () => (await heldOf(two)).isAsked, SLOW);
    await scene.publish(news, 1, 2, 3);
    // The position of the stream is behind them, then.
    await scene.publish(`user:${scene.user}`, 1);
    await scene.waitFor(three, `user:${scene.user}`, [1]);
    await two.page.evaluate(() => (window as unknown as { held: Held }).held.go!());
    await until(async () => (await heldOf(two)).upTo !== undefined, SLOW);
    await until(async () => (await three.role()) === 'leader', SLOW);
    await scene.publish(news, 4);
    await scene.waitFor(three, news, [1, 2, 3, 4]);
    await scene.streams(1);
  });

  it.each(['worker', 'locks'] as const)(
    'begins a tab after an id that names its channel, by %s',
    async (way) => {
      const one = await scene.open({ way, channels: { [news]: null } });
      await scene.listeners(news, 1);
      const [first, , third] = await scene.publish(news, 1, 2, 3);
      await scene.waitFor(one, news, [1, 2, 3]);
      const key = createHash('sha1').update(news).digest('base64url').slice(0, 8);
      const two = await scene.open({ way, channels: { [news]: `${third}~${first}:${key}~${third}` } });
      await scene.publish(news, 4);
      await Promise.all([scene.waitFor(one, news, [1, 2, 3, 4]), scene.waitFor(two, news, [2, 3, 4])]);
    },
  );
});
