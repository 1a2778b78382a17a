import { until } from '@nestjs-sse-redis/testing';
import { createClient } from 'nestjs-sse-redis-client';
import { watchPresence } from '../../src/client/presence.js';
import { watchLifecycle } from '../../src/share/page-lifecycle.js';
import { RawServer, stream } from '../fixtures/raw-server.js';

type Listen = EventTarget['addEventListener'];

/** A page of jsdom, beside the AbortController of Node: jest-fixed-jsdom 0.0.11, global-jsdom. */
class JsdomTarget {
  readonly listeners: unknown[] = [];
  visibilityState = 'visible';

  readonly addEventListener: Listen = (_type, listener, options) => {
    if (typeof options === 'object' && options.signal)
      throw new TypeError("parameter 3 dictionary has member 'signal' that is not of type 'AbortSignal'.");
    this.listeners.push(listener);
  };

  readonly removeEventListener: Listen = (_type, listener) => {
    this.listeners.splice(this.listeners.indexOf(listener), 1);
  };
}

const scope = globalThis as unknown as Record<'document' | keyof JsdomTarget, unknown>;
let page: JsdomTarget;
let window: JsdomTarget;

beforeEach(() => {
  scope.document = page = new JsdomTarget();
  window = new JsdomTarget();
  Object.assign(scope, {
    addEventListener: window.addEventListener,
    removeEventListener: window.removeEventListener,
  });
});
afterEach(() => {
  for (const name of ['document', 'addEventListener', 'removeEventListener'] as const)
    Reflect.deleteProperty(scope, name);
});

const count = () => page.listeners.length + window.listeners.length;

it('a client connects in a page of jsdom where AbortController is that of Node, and leaves no listener', async () => {
  const server = await RawServer.start(stream('id: 1-0\ndata: 1\n\n'));
  const client = createClient({ url: server.url });
  try {
    await until(() => client.state.status === 'open');
    expect(count()).toBeGreaterThan(0);
  } finally {
    client.close();
    await server.stop();
  }
  expect(count()).toBe(0);
});

it.each([
  [
    'usePresence()',
    () => {
      const client = {
        state: { status: 'connecting', attempt: 1 } as const,
        onState: () => () => undefined,
      };
      return watchPresence(
        client,
        () => Promise.reject(new Error('not asked')),
        () => undefined,
      );
    },
  ],
  [
    'shareTabs()',
    () => {
      const nothing = () => undefined;
      return watchLifecycle({ leave: nothing, comeBack: nothing, freeze: nothing, thaw: nothing });
    },
  ],
])('%s listens to such a page, and leaves no listener', (_, watch) => {
  const end = watch();
  expect(count()).toBeGreaterThan(0);
  end();
  expect(count()).toBe(0);
});
