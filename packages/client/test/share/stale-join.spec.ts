import { browserNames, TestBrowser } from '../../../../libs/testing/src/browser.js';
import { PROTOCOL } from '../../src/share/protocol.js';
import { ShareScene } from './share-scene.js';

describe.each(browserNames)('in %s', (name) => {
  let scene: ShareScene;

  beforeAll(async () => {
    scene = await ShareScene.start(await TestBrowser.start(name));
  });
  afterAll(() => scene?.stop());

  // The messages of a page whose thread was busy come late. Found by tabs in Node, whose messages take up to two seconds.
  it('goes by the answer of a new host to what a tab asked of it, and not to what it had asked of one before', async () => {
    const user = scene.nextUser();
    const news = `news:${user}`;
    const tab = await scene.open({ way: 'locks', channels: { [news]: null } });
    const bus = `nestjs-sse-redis/${PROTOCOL}/${user}/${scene.app.url}/events/${user}`;
    await tab.page.evaluate(
      async (bus, news) => {
        const channel = new BroadcastChannel(bus);
        const joined = new Promise<{ tab: string; round: number; wants: string[][] }>((resolve) => {
          channel.onmessage = ({ data }: MessageEvent) => data.host === 'new' && resolve(data);
        });
        let seq = 0;
        const send = (message: object) =>
          channel.postMessage({ host: 'new', generation: Date.now() + 1e9, seq: seq++, ...message });
        send({ kind: 'claim', inWorker: false });
        const { tab, round, wants } = await joined;
        const welcome = (round: number, channels: unknown) =>
          send({
            ...{ kind: 'welcome', tab, round, channels, state: { status: 'open', since: 0 } },
            ...{ position: null, replay: [], inWorker: false },
          });
        const [[, after]] = wants as [[string, string]];
        const next = after.replace(/^\d+/, (ms) => String(Number(ms) + 1));
        const far = after.replace(/^\d+/, (ms) => String(Number(ms) + 1_000));
        welcome(round - 1, [[news, null]]);
        send({ kind: 'events', events: [], position: far, upTo: far, covered: [news] });
        send({ kind: 'events', events: [], position: after, upTo: after, covered: [] });
        welcome(round, wants);
        const event = { type: 'tick', data: '{"n":1}', id: next, own: next, channel: news, everyone: false };
        send({ kind: 'events', events: [event], position: next, upTo: next, covered: [] });
        channel.close();
      },
      bus,
      news,
    );
    await scene.waitFor(tab, news, [1]);
  });
});
