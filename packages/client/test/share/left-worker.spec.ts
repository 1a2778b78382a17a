import { browserNames, TestBrowser } from '../../../../libs/testing/src/browser.js';
import { ShareScene } from './share-scene.js';

describe.each(browserNames)('in %s', (name) => {
  let scene: ShareScene;

  beforeAll(async () => {
    scene = await ShareScene.start(await TestBrowser.start(name));
  });
  afterEach(() => scene.clear());
  afterAll(() => scene?.stop());

  it('says nothing of a worker that does not load, once the page has left the stream', async () => {
    scene.nextUser();
    const tab = await scene.open({ way: 'locks' });
    const log = await tab.page.evaluate(async (user) => {
      const workerUrl = '/nowhere.js';
      window.tab.open({ user, way: 'worker', workerUrl });
      window.tab.stream!.close?.();
      // The browser reports workers in the order in which they were made; the second one here leaves it time.
      for (const name of ['one', 'two']) {
        const worker = new SharedWorker(workerUrl, { type: 'module', name });
        await new Promise((resolve) => (worker.onerror = resolve));
      }
      return window.tab.log;
    }, scene.nextUser());
    expect(log).toEqual([]);
  });
});
