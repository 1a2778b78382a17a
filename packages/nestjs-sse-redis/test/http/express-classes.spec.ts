import { SseStream, startApp, type RunningApp } from '@nestjs-sse-redis/testing';
import { Controller, Get, type INestApplication, Req, Res, Sse } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import {
  createServer,
  get,
  IncomingMessage,
  ServerResponse,
  type RequestListener,
  type Server,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { SseClient, SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { alignExpressClasses } from '../../src/http/express-classes.js';

setFlagsFromString('--allow-natives-syntax');
// oxlint-disable-next-line typescript/no-implied-eval -- no file with V8's own syntax could be compiled
const haveSameHiddenClass = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (
  a: object,
  b: object,
) => boolean;

/** What these tests use of Express. */
interface ExpressLike extends RequestListener {
  (request: IncomingMessage, response: ServerResponse, next?: () => void): void;
  request: Record<string, unknown>;
  response: Record<string, unknown>;
  use(path: string, app: ExpressLike): void;
  set(name: string, value: unknown): void;
  get(path: string, handler: (request: Exchanged, response: ServerResponse & Exchanged) => unknown): void;
}

type Exchanged = Record<string, unknown> & { send(body: string): void };

const exchanges: { request: IncomingMessage; response: ServerResponse }[] = [];

@Controller()
class PlainController {
  @Get('plain')
  plain(@Req() request: IncomingMessage, @Res({ passthrough: true }) response: ServerResponse) {
    exchanges.push({ request, response });
    return 'plain';
  }
}

@Controller()
class NewsController {
  constructor(private readonly hub: SseHub) {}

  @Sse('news')
  news(@SseClient() client: SseClient) {
    exchanges.push({ request: client.rawRequest, response: client.response });
    return this.hub.connect(client, 'news');
  }
}

const closing: (() => unknown)[] = [];
beforeEach(() => {
  exchanges.length = 0;
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** An application with the module, or one that has nothing of it. */
async function start(
  withModule: boolean,
  options: { adapter?: 'express' | 'fastify'; configure?: (app: INestApplication) => void } = {},
): Promise<RunningApp> {
  const running = await startApp(
    withModule
      ? { imports: [SseRedisModule.forRoot()], controllers: [PlainController, NewsController] }
      : { controllers: [PlainController] },
    options.adapter ?? 'express',
    options,
  );
  closing.push(() => running.close());
  return running;
}

const expressOf = (app: INestApplication): ExpressLike => app.getHttpAdapter().getInstance() as ExpressLike;

const serverOf = (app: INestApplication): Server => app.getHttpServer() as Server;

/** What Node makes requests and responses with. */
function classesOf(server: Server): unknown[] {
  const kept = server as unknown as Record<symbol, unknown>;
  return ['IncomingMessage', 'ServerResponse'].map((name) => {
    const key = Object.getOwnPropertySymbols(kept).find(({ description }) => description === name);
    expect(key).toBeDefined();
    return kept[key as symbol];
  });
}

async function fetchPlain({ url }: RunningApp, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    expect(await (await fetch(`${url}/plain`)).text()).toBe('plain');
  }
}

/** Asks for another protocol: what the route says, or the status with which the protocol is changed. */
function upgrade({ url }: RunningApp): Promise<string | number | undefined> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}/plain`, {
      headers: { Connection: 'Upgrade', Upgrade: 'chat' },
      agent: false,
    });
    request.on('upgrade', ({ statusCode }, socket) => {
      socket.destroy();
      resolve(statusCode);
    });
    request.on('response', (response) => void text(response).then(resolve, reject));
    request.on('error', reject);
  });
}

/** Whether the last two exchanges look the same to V8: the first ones still teach it how large they become. */
function shareHiddenClasses(): { requests: boolean; responses: boolean } {
  const [one, other] = exchanges.slice(-2);
  if (!one || !other) throw new Error('fewer than two exchanges');
  return {
    requests: haveSameHiddenClass(one.request, other.request),
    responses: haveSameHiddenClass(one.response, other.response),
  };
}

describe('requests and responses of an Express application', () => {
  it('share a hidden class', async () => {
    await fetchPlain(await start(true), 20);
    expect(shareHiddenClasses()).toEqual({ requests: true, responses: true });
  });

  it('without the module each have their own', async () => {
    await fetchPlain(await start(false), 20);
    expect(shareHiddenClasses()).toEqual({ requests: false, responses: false });
  });

  it('share one also where they are streams, from their beginning to their end', async () => {
    const running = await start(true);
    const streams: SseStream[] = [];
    for (let count = 0; count < 20; count++) {
      const stream = SseStream.open(`${running.url}/news`);
      streams.push(stream);
      await stream.opened;
    }
    expect(shareHiddenClasses()).toEqual({ requests: true, responses: true });
    await running.app.get(SseHub).publish('news', { data: 'read all about it' });
    for (const stream of streams) await stream.waitFor(({ data }) => data === 'read all about it');
    expect(shareHiddenClasses()).toEqual({ requests: true, responses: true });
    await Promise.all(streams.map((stream) => stream.close()));
  });

  it('are to everybody what Express makes of them', async () => {
    const running = await start(true, {
      configure: (app) => {
        expressOf(app).request['before'] = 'before';
        expressOf(app).response['before'] = 'before';
      },
    });
    const express = expressOf(running.app);
    express.request['after'] = 'after';
    express.response['after'] = 'after';
    await fetchPlain(running, 1);

    const [{ request, response }] = exchanges as [(typeof exchanges)[0]];
    expect(request).toBeInstanceOf(IncomingMessage);
    expect(response).toBeInstanceOf(ServerResponse);
    expect(Object.getPrototypeOf(request)).toBe(express.request);
    expect(Object.getPrototypeOf(response)).toBe(express.response);
    for (const exchanged of [request, response]) {
      expect(exchanged).toMatchObject({ before: 'before', after: 'after', app: express });
    }
    expect(request.constructor).toBe(IncomingMessage);
    expect(response.constructor).toBe(ServerResponse);
    expect(request).toMatchObject({ protocol: 'http', hostname: '127.0.0.1', path: '/plain' });
  });

  it('are those of a mounted application while they are with it', async () => {
    const inner = new ExpressAdapter().getInstance<ExpressLike>();
    inner.response['greeting'] = 'hello from within';
    inner.get('/greeting', (request, response) => {
      response.send(`${String(response['greeting'])}, ${String(request['outer'])}`);
    });
    const running = await start(true, {
      configure: (app) => {
        expressOf(app).request['outer'] = 'and from around';
        expressOf(app).use('/inner', inner);
      },
    });
    expect(await (await fetch(`${running.url}/inner/greeting`)).text()).toBe(
      'hello from within, and from around',
    );
    await fetchPlain(running, 1);
    expect(exchanges[0]?.response).not.toHaveProperty('greeting');
  });

  it('are those of the application, too, where it is mounted once it runs', async () => {
    const { app } = await start(true, { configure: (before) => expressOf(before).set('trust proxy', true) });
    const inner = expressOf(app);
    inner.request['mine'] = 'mine';
    const outer = new ExpressAdapter().getInstance<ExpressLike>();
    outer.use('/api', inner);
    outer.request['outer'] = 'from around';
    const server = createServer(outer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as { port: number };
    await fetch(`http://127.0.0.1:${port}/api/plain`, { headers: { 'x-forwarded-for': '192.0.2.7' } });
    expect(exchanges[0]?.request).toMatchObject({
      app: inner,
      mine: 'mine',
      outer: 'from around',
      ip: '192.0.2.7',
    });
  });

  it('are Node’s own where they are for an upgrade, and only where somebody listens for one', async () => {
    const running = await start(true);
    const server = serverOf(running.app);
    const upgraded: IncomingMessage[] = [];
    const onUpgrade = (request: IncomingMessage, socket: Duplex): void => {
      Object.assign(request, { query: 'what Express only lets be read' });
      upgraded.push(request);
      socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n');
    };
    expect(await upgrade(running)).toBe('plain');
    const isPlain = async (): Promise<boolean> => {
      expect(await upgrade(running)).toBe(101);
      return Object.getPrototypeOf(upgraded.at(-1)) === IncomingMessage.prototype;
    };
    server.on('upgrade', onUpgrade);
    expect(await isPlain()).toBe(true);
    server.off('upgrade', onUpgrade);
    server.once('upgrade', onUpgrade);
    expect(await isPlain()).toBe(true);
    expect(await upgrade(running)).toBe('plain');
    server.on('upgrade', () => undefined);
    server.prependListener('upgrade', onUpgrade);
    expect(await isPlain()).toBe(true);
    server.removeAllListeners('upgrade');
    expect(await upgrade(running)).toBe('plain');
    expect(server.listenerCount('upgrade')).toBe(0);
  });

  it('can come from another server, too', async () => {
    const { app } = await start(true);
    const other = createServer(expressOf(app));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => other.close(resolve)));
    const { port } = other.address() as { port: number };
    await fetchPlain({ url: `http://127.0.0.1:${port}` } as RunningApp, 2);
    expect(Object.getPrototypeOf(exchanges[0]?.request)).toBe(expressOf(app).request);
  });
});

describe('what is not as usual is left alone:', () => {
  it('a server with classes of its own', () => {
    class OwnRequest extends IncomingMessage {}
    class OwnResponse extends ServerResponse {}
    const adapter = new ExpressAdapter();
    const { request } = expressOf({ getHttpAdapter: () => adapter } as unknown as INestApplication);
    const server = createServer(
      { IncomingMessage: OwnRequest, ServerResponse: OwnResponse },
      adapter.getInstance<RequestListener>(),
    );
    adapter.setHttpServer(server);
    alignExpressClasses(adapter);
    expect(classesOf(server)).toEqual([OwnRequest, OwnResponse]);
    expect(adapter.getInstance<ExpressLike>().request).toBe(request);
  });

  it('a server that is aligned already', async () => {
    const { app } = await start(true);
    const before = classesOf(serverOf(app));
    expect(before).not.toEqual([IncomingMessage, ServerResponse]);
    alignExpressClasses(app.getHttpAdapter() as ExpressAdapter);
    expect(classesOf(serverOf(app))).toEqual(before);
  });

  it('an application of Express that another server has aligned', async () => {
    const { app } = await start(true);
    const { request, response } = expressOf(app);
    const adapter = new ExpressAdapter(expressOf(app));
    const server = createServer(expressOf(app));
    adapter.setHttpServer(server);
    alignExpressClasses(adapter);
    expect(expressOf(app).request).toBe(request);
    expect(expressOf(app).response).toBe(response);
    expect(classesOf(server)).toEqual(classesOf(serverOf(app)));
  });

  it('an instance that is no Express application, or has no server', () => {
    const server = createServer();
    const adapter = new ExpressAdapter();
    const express = adapter.getInstance<ExpressLike>();
    const { request } = express;
    alignExpressClasses(adapter);
    expect(express.request).toBe(request);
    express.response = {};
    adapter.setHttpServer(server);
    alignExpressClasses(adapter);
    alignExpressClasses(undefined);
    alignExpressClasses({});
    expect(express.request).toBe(request);
    expect(classesOf(server)).toEqual([IncomingMessage, ServerResponse]);
  });

  it('Fastify', async () => {
    const { app } = await start(true, { adapter: 'fastify' });
    expect(classesOf(serverOf(app))).toEqual([IncomingMessage, ServerResponse]);
  });
});
