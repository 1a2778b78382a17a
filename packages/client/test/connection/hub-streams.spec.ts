import { TcpProxy, until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import type { ConnectionOptions } from 'nestjs-sse-redis-client';
import { RecordedConnection } from '../fixtures/recorded-connection.js';
import { StreamApp } from '../fixtures/stream.app.js';

/** ms: a busy machine connects within it. */
const LIFETIME = 2_000;

const redis = useRedis();
const apps: StreamApp[] = [];
const recordings: RecordedConnection[] = [];
let prefix: string;

async function startApp(options: object = {}): Promise<StreamApp> {
  const app = await StreamApp.start({ redis: redis.url, prefix, retry: 40, ...options });
  apps.push(app);
  return app;
}

function connect(options: ConnectionOptions): RecordedConnection {
  const recorded = new RecordedConnection({ backoff: { max: 200 }, ...options });
  recordings.push(recorded);
  return recorded;
}

const isOpen = (recorded: RecordedConnection) => () =>
  recorded.state.status === 'open' && recorded.controls.length > 0;

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));

async function publish(app: StreamApp, from: number, to: number): Promise<void> {
  for (const data of numbers(from, to)) await app.hub.publish('news', { data });
}

beforeEach(() => {
  prefix = randomUUID();
});
afterEach(async () => {
  for (const recorded of recordings.splice(0)) recorded.close();
  await Promise.all(apps.splice(0).map((app) => app.stop()));
});

describe('each event once, in order', () => {
  it('where the connection is cut, refused and silent in turn', async () => {
    const app = await startApp({ heartbeatInterval: 100 });
    const proxy = await TcpProxy.start({ target: Number(new URL(app.url).port) });
    const url = app.streamUrl('news').replace(app.url, `http://127.0.0.1:${proxy.port}`);
    const recorded = connect({ url, heartbeatTimeout: 800 });
    await until(isOpen(recorded));
    await publish(app, 0, 20);
    proxy.cut();
    await publish(app, 20, 40);
    await until(() => recorded.events.length === 40);
    await proxy.refuse(true);
    proxy.cut();
    await publish(app, 40, 60);
    await until(() => recorded.state.status === 'waiting');
    await proxy.refuse(false);
    await until(() => recorded.events.length === 60);
    proxy.blackhole('existing');
    await publish(app, 60, 80);
    await until(() => recorded.events.length === 80);
    expect(recorded.data).toEqual(numbers(0, 80));
    expect(recorded.summary).toContain('waiting silent');
    recorded.close();
    await proxy.stop();
  });

  it('where the process hands its clients over while events are published', async () => {
    const [old, next] = [await startApp({ drain: { timeout: 300 } }), await startApp()];
    const proxy = await TcpProxy.start({ target: Number(new URL(old.url).port) });
    const recorded = connect({
      url: old.streamUrl('news').replace(old.url, `http://127.0.0.1:${proxy.port}`),
    });
    await until(isOpen(recorded));
    await publish(next, 0, 10);
    proxy.target = Number(new URL(next.url).port);
    await Promise.all([old.stop(), publish(next, 10, 60)]);
    await publish(next, 60, 70);
    await until(() => recorded.events.length === 70);
    expect(recorded.data).toEqual(numbers(0, 70));
    expect(recorded.summary).toContain('waiting ended');
    recorded.close();
    await proxy.stop();
  });

  it('from the id with which the first attempt begins', async () => {
    const app = await startApp();
    const { id } = await app.hub.publish('news', { data: 'old' });
    await publish(app, 0, 5);
    const recorded = connect({ url: app.streamUrl('news'), lastEventId: id });
    await until(() => recorded.events.length === 5);
    expect(recorded.data).toEqual(numbers(0, 5));
  });
});

it('knows a position before its first event', async () => {
  const app = await startApp();
  const recorded = connect({ url: app.streamUrl('news') });
  await until(isOpen(recorded));
  expect(recorded.connection.lastEventId).toMatch(/^\d+-\d+$/);
  expect(recorded.events).toEqual([]);
});

describe('tokens', () => {
  it('are refreshed once where the guard answers 401, and the stream goes on', async () => {
    const app = await startApp();
    app.rights.guarded = true;
    const asked: boolean[] = [];
    const recorded = connect({
      url: app.streamUrl('news'),
      token: ({ refresh }) => {
        asked.push(refresh);
        return refresh ? app.rights.signIn('ada') : 'old';
      },
    });
    await until(isOpen(recorded));
    expect(asked).toEqual([false, true]);
    expect(recorded.summary).toEqual(['connecting', 'connecting', 'open']);
  });

  it('stop the client where they are refused with 401 after a refresh', async () => {
    const app = await startApp();
    app.rights.guarded = true;
    const recorded = connect({ url: app.streamUrl('news'), token: () => 'wrong' });
    await until(() => recorded.state.status === 'stopped');
    expect(recorded.summary.at(-1)).toBe('stopped unauthorized 401');
    expect(app.rights.requests).toHaveLength(2);
  });

  it.each([
    ['streams', 'with a status'],
    ['filtered', 'in events'],
  ])('are refreshed where they run out on /%s, which refuses %s', async (route) => {
    const app = await startApp();
    app.rights.guarded = true;
    let token = app.rights.signIn('ada', LIFETIME);
    let refreshes = 0;
    const recorded = connect({
      url: app.streamUrl('news').replace('streams', route),
      token: ({ refresh }) => {
        if (!refresh) return token;
        refreshes++;
        return (token = app.rights.signIn('ada', LIFETIME));
      },
    });
    await until(isOpen(recorded));
    for (let i = 0; refreshes === 0; i++) {
      await publish(app, i, i + 1);
      await until(() => recorded.events.filter(({ type }) => type === 'message').length === i + 1);
    }
    const messages = recorded.events.filter(({ type }) => type === 'message');
    expect(messages.map(({ data }) => data)).toEqual(numbers(0, messages.length));
    expect(recorded.summary).toContain('waiting refused EXPIRED');
    expect(recorded.events.filter(({ type }) => type === 'end')).toEqual([]);
  });

  it('are asked for again where they cannot be had, with `refresh` where the last one was refused', async () => {
    const app = await startApp();
    app.rights.guarded = true;
    const asked: boolean[] = [];
    const recorded = connect({
      url: app.streamUrl('news'),
      backoff: { min: 10, max: 20 },
      token: ({ refresh }) => {
        asked.push(refresh);
        if (asked.length === 1) return 'old';
        if (asked.length < 4) throw new Error('The sign-in server is away.');
        return app.rights.signIn('ada');
      },
    });
    await until(isOpen(recorded));
    expect(asked).toEqual([false, true, true, true]);
    expect(recorded.summary.filter((word) => word === 'waiting token')).toHaveLength(2);
  });

  it('stop the client where a filter refuses them in events after a refresh', async () => {
    const app = await startApp();
    app.rights.guarded = true;
    const recorded = connect({
      url: app.streamUrl('news').replace('streams', 'filtered'),
      token: () => 'wrong',
    });
    await until(() => recorded.state.status === 'stopped');
    expect(recorded.summary.at(-1)).toBe('stopped unauthorized UNAUTHORIZED');
  });
});

describe('stops', () => {
  it('where all channels are refused', async () => {
    const app = await startApp();
    app.rights.forbidden.add('news');
    const recorded = connect({ url: app.streamUrl('news') });
    await until(() => recorded.state.status === 'stopped');
    expect(recorded.summary.at(-1)).toBe('stopped forbidden FORBIDDEN_CHANNEL');
  });

  it('where the application disconnects the user for good', async () => {
    const app = await startApp();
    const token = app.rights.signIn('ada');
    const recorded = connect({ url: app.streamUrl('news'), token: () => token });
    await until(isOpen(recorded));
    await app.hub.disconnect({ user: 'ada' }, { reason: 'signed-out' });
    await until(() => recorded.state.status === 'stopped');
    expect(recorded.summary.at(-1)).toBe('stopped ended signed-out');
    expect(recorded.connection.lastEventId).toMatch(/^\d+-\d+$/);
  });
});

describe('goes on', () => {
  it('where one of its channels is refused, and hands over the error', async () => {
    const app = await startApp();
    app.rights.forbidden.add('secret');
    const recorded = connect({ url: app.streamUrl('news', 'secret') });
    await until(() => recorded.events.length === 1);
    await publish(app, 0, 1);
    await until(() => recorded.events.length === 2);
    expect(recorded.events.map(({ type }) => type)).toEqual(['error', 'message']);
    expect(recorded.state.status).toBe('open');
  });

  it('waiting for a place, where a limit refuses it', async () => {
    const app = await startApp({ limits: { connectionsPerUser: 1 } });
    const token = app.rights.signIn('ada');
    const options = { url: app.streamUrl('news'), token: () => token };
    const first = connect(options);
    await until(isOpen(first));
    const second = connect(options);
    await until(() => second.summary.includes('waiting refused TOO_MANY_CONNECTIONS'));
    first.close();
    await until(isOpen(second));
  });

  it('where the hub does not know its position, and hands over the gap', async () => {
    const app = await startApp();
    const recorded = connect({ url: app.streamUrl('news'), lastEventId: '1-1' });
    await until(() => recorded.events.length === 1);
    expect(recorded.events[0]).toMatchObject({ type: 'gap', channel: undefined });
    await until(() => recorded.connection.lastEventId !== '1-1');
  });
});
