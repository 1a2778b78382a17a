import { browserNames, TestBrowser, type BrowserName } from '../../../../libs/testing/src/browser.js';
import { Chaos } from './chaos.js';
import { ShareScene } from './share-scene.js';

const WAYS = ['worker', 'locks'] as const;
/** `SHARE_SEEDS=20` is the acceptance run. */
const SEEDS = Array.from({ length: Number(process.env['SHARE_SEEDS'] ?? 1) }, (_, i) => i + 1);
/** Otherwise one way in each browser, to be quick. */
const waysOf = (name: BrowserName) =>
  process.env['SHARE_SEEDS'] ? WAYS : WAYS.filter((way) => (way === 'worker') === (name === 'chromium'));
/**
 * ms for a switch, besides what the machine makes of events and requests in a tab to which nothing happens. Other tests beside it make
 * more of it in one process than in another.
 */
const LONGEST_SWITCH = process.env['SHARE_SEEDS'] ? 3_000 : 30_000;

/**
 * Firefox has six connections for one origin over HTTP/1.1. Three users, a tab beside them and stalled workers need more: a new stream would
 * wait for a connection, and not for the switch.
 */
const MANY_CONNECTIONS = { 'network.http.max-persistent-connections-per-server': 30 };

describe.each(browserNames)('in %s', (name) => {
  let scene: ShareScene;

  beforeAll(async () => {
    scene = await ShareScene.start(await TestBrowser.start(name, MANY_CONNECTIONS));
  });
  afterAll(() => scene?.stop());

  describe.each(waysOf(name))('by %s', (way) => {
    it.each(SEEDS)(
      'delivers 2,000 events to six tabs of three users, each once and in order, over one stream a user, while leaders fail (seed %i)',
      async (seed) => {
        const { app, browser } = scene;
        const chaos = new Chaos({ app, browser: browser.browser, name, way, seed, events: 2_000 });
        try {
          const { faults, disturbances, slowest, control } = await chaos.run();
          process.stdout.write(
            `${name} by ${way}, seed ${seed}: ${slowest.ms} ms (control ${control}; ${slowest.parts}) ${disturbances.join(', ')}\n`,
          );
          expect(faults).toEqual([]);
          expect(slowest.ms).toBeLessThan(LONGEST_SWITCH + control);
        } finally {
          await chaos.close();
        }
      },
    );
  });
});
