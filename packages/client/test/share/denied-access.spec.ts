import { until } from '@nestjs-sse-redis/testing';
import { createClient, type ConnectionState, type SseClient } from '../../src/index.js';
import { logOut, shareTabs, type ShareRole } from '../../src/share/index.js';
import { WorkerHost } from '../../src/share/worker-host.js';
import type { ToWorker } from '../../src/share/worker-protocol.js';
import { RawServer, stream } from '../fixtures/raw-server.js';

const realNavigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
const realChannel = globalThis.BroadcastChannel;
const denied = () => new DOMException('Access to the Locks API is denied in this context.', 'SecurityError');

/** As Chromium has them in a frame with a sandbox, and where the user blocks cookies. Those of the endless loop never settle. */
function denyLocks(): { calls: number } {
  const count = { calls: 0 };
  const request = () => (++count.calls > 100 ? new Promise(() => undefined) : Promise.reject(denied()));
  const locks = { request, query: () => Promise.reject(denied()) };
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });
  return count;
}

/** As Firefox has it where the user blocks cookies. */
function denyChannels(): void {
  globalThis.BroadcastChannel = class {
    constructor() {
      throw denied();
    }
  } as unknown as typeof BroadcastChannel;
}

afterEach(() => {
  globalThis.BroadcastChannel = realChannel;
  if (realNavigator) Object.defineProperty(globalThis, 'navigator', realNavigator);
  else delete (globalThis as { navigator?: unknown }).navigator;
});

it.each([
  ['locks', 'locks'],
  ['a channel to other tabs', 'channel'],
])('has a stream of its own where the browser denies a page %s', async (_, what) => {
  const count = denyLocks();
  if (what === 'channel') denyChannels();
  const server = await RawServer.start(stream('id: 1-0\ndata: 7\n\n'));
  const roles: ShareRole[] = [];
  const log: string[] = [];
  const client = createClient({
    url: `${server.url}/events`,
    share: shareTabs({ key: 'ada', worker: false, onRole: (role) => roles.push(role) }),
    log: ({ message }) => log.push(message),
  });
  try {
    const data: unknown[] = [];
    client.onEvent((event) => data.push(event.data));
    const isOver = ({ status }: ConnectionState) => status === 'open' || count.calls > 100;
    await until(() => isOver(client.state));
    await until(() => data.length === 1);
    expect(data).toEqual([7]);
    expect(roles).toEqual(['alone']);
    expect(log.join()).toContain('a stream of its own: the browser denies it');
    expect(count.calls).toBeLessThan(10);
  } finally {
    client.close();
    await server.stop();
  }
});

const LEFT = { ada: { status: 'stopped', reason: 'closed' }, other: { status: 'open' } };

/** The states of two users with streams of their own, one of whom leaves. */
async function statesAfter(
  leave: (ada: SseClient) => void,
): Promise<{ ada: ConnectionState; other: ConnectionState }> {
  const server = await RawServer.start(stream('id: 1-0\ndata: 7\n\n'));
  const open = (key: string) =>
    createClient({ url: `${server.url}/events`, share: shareTabs({ key, worker: false }), log: () => {} });
  const [ada, other] = [open('ada'), open('ben')];
  try {
    await until(() => ada.state.status === 'open' && other.state.status === 'open');
    leave(ada);
    await until(() => ada.state.status === 'stopped');
    return { ada: ada.state, other: other.state };
  } finally {
    for (const client of [ada, other]) client.close();
    await server.stop();
  }
}

it('ends a stream of its own when the user logs out in another tab of an insecure page', async () => {
  // As on http:// that is not localhost: no Web Locks, but channels between tabs.
  Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  expect(await statesAfter(() => logOut('ada'))).toMatchObject(LEFT);
});

it.each<[string, (client: SseClient) => void]>([
  ['client.close()', (client) => client.close({ everywhere: true })],
  ['logOut()', () => logOut('ada')],
])(
  'ends the stream of its own page by %s where the browser denies channels to other tabs',
  async (_, end) => {
    denyLocks();
    denyChannels();
    expect(await statesAfter(end)).toMatchObject(LEFT);
  },
);

it('has the worker say that it stands for election where the browser does not say who holds locks', async () => {
  // As Firefox 153 in a frame of another site. A tab that holds the lock.
  const request = (_: string, { ifAvailable }: LockOptions, callback: (lock: null) => void) =>
    ifAvailable ? Promise.resolve(callback(null)) : new Promise(() => undefined);
  const locks = { request, query: () => Promise.reject(denied()) };
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true });
  const received: unknown[] = [];
  const port = { postMessage: (message: unknown) => received.push(message) } as unknown as MessagePort;
  new WorkerHost().connect(port);
  const url = 'http://127.0.0.1/events';
  const start: ToWorker = { kind: 'start', key: 'ada', url, options: { url }, asks: [] };
  port.onmessage!({ data: start } as MessageEvent);
  await until(() => received.length > 0);
  expect(received).toEqual([{ kind: 'ready' }]);
});
