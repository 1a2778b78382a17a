import { jest } from '@jest/globals';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { startApp, until, type RunningApp } from '@nestjs-sse-redis/testing';
import { SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { endConnectionsOfEventSources } from '../../src/platform/closing-connections.js';
import { newsModule } from './news.app.js';

describe('a connection of HTTP/2 to a process that shuts down', () => {
  let app: RunningApp['app'];
  let url: string;
  let session: ClientHttp2Session;
  let stuck: ClientHttp2Session | undefined;

  beforeEach(async () => {
    const adapter = new FastifyAdapter({ http2: true });
    const module = newsModule({ drain: { timeout: 500 } });
    ({ app, url } = await startApp(module, adapter, { application: { logger: false } }));
    session = connect(url);
    session.on('error', () => undefined);
  });
  afterEach(async () => {
    session.destroy();
    stuck?.destroy();
    await app.close();
  });

  /** @returns the status, when the answer has ended */
  async function request(path: string): Promise<number> {
    const accept = path === '/news' ? 'text/event-stream' : 'application/json';
    const stream = session.request({ ':path': path, accept });
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
    stream.resume();
    await once(stream, 'close');
    return headers[':status'];
  }

  /** Up to Node 24 a client makes no request after GOAWAY; in Node 26 it makes one, which is refused as a stream (RFC 9113 6.8). */
  const isRefused = (path: string): Promise<boolean> =>
    request(path).then(
      () => false,
      () => true,
    );

  /** Requests one after the other, until the client may make none over this connection. @returns their statuses */
  async function requestsUntilClosed(path: string, most: number): Promise<number[]> {
    const statuses: number[] = [];
    while (!session.closed && !session.destroyed && statuses.length < most) {
      const status = await request(path).catch(() => undefined);
      if (status === undefined) break;
      statuses.push(status);
    }
    return statuses;
  }

  it('takes one more EventSource at most when the clients were handed over, so that the application closes', async () => {
    const open = request('/news');
    const hub = app.get(SseHub);
    await until(() => hub.stats().connections === 1);
    const closing = app.close();
    expect(await open).toBe(200);
    await until(() => app.getHttpServer().listenerCount('request') === 1);
    // From Node 24 on the server itself closes idle sessions as it closes, and this one may be first.
    expect([[200], []]).toContainEqual(await requestsUntilClosed('/news', 5));
    await closing;
  });

  it('takes one more while they are handed over, whose answer comes whole', async () => {
    endConnectionsOfEventSources(app.getHttpAdapter());
    const last = request('/news');
    await once(session, 'goaway');
    const hub = app.get(SseHub);
    await until(() => hub.stats().connections === 1);
    expect(await isRefused('/news')).toBe(true);
    const closing = app.close();
    expect(await last).toBe(200);
    await closing;
  });

  it('cuts a newcomer that takes nothing of its answer, so that the application closes', async () => {
    const others = Array.from({ length: 10 }, () => request('/news'));
    const hub = app.get(SseHub);
    await until(() => hub.stats().connections === others.length);
    // Its window has no room for a byte.
    stuck = connect(url, { settings: { initialWindowSize: 0 } });
    stuck.on('error', () => undefined);
    await once(stuck, 'remoteSettings');
    void Promise.all(others).then(() => session.close());
    const closing = app.close();
    await until(() => hub.stats().drain.active);
    const newcomer = stuck.request({ ':path': '/news', accept: 'text/event-stream' });
    newcomer.on('error', () => undefined);
    await once(newcomer, 'response');
    await closing;
  });

  it('cuts a client that takes nothing of the answer of a Fastify that closes, so that the application closes', async () => {
    const stuckSession = connect(url, { settings: { initialWindowSize: 0 } });
    stuck = stuckSession.on('error', () => undefined);
    await once(stuckSession, 'remoteSettings');
    // oxlint-disable-next-line typescript/unbound-method -- applied below
    const { beforeApplicationShutdown } = SseRedisModule.prototype;
    const hook = jest.spyOn(SseRedisModule.prototype, 'beforeApplicationShutdown');
    hook.mockImplementationOnce(async function (this: SseRedisModule) {
      hook.mockRestore();
      await beforeApplicationShutdown.call(this);
      const late = stuckSession.request({ ':path': '/news', accept: 'text/event-stream' });
      late.on('error', () => undefined);
      const [headers] = (await once(late, 'response')) as [{ ':status': number }];
      expect(headers[':status']).toBe(200);
    });
    session.close();
    await app.close();
    expect(app.getHttpServer().listening).toBe(false);
  });

  it('takes more requests that are no event streams (negative control)', async () => {
    endConnectionsOfEventSources(app.getHttpAdapter());
    expect(await requestsUntilClosed('/other', 3)).toEqual([404, 404, 404]);
  });
});
