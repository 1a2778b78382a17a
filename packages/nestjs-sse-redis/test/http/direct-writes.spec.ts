import {
  deferred,
  forEachAdapter,
  SseStream,
  startApp,
  until,
  type RunningApp,
  type StartAppOptions,
  useRedis,
} from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { Controller, Get, type INestApplication, type NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { randomUUID } from 'node:crypto';
import { Agent, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { get as getOverTls } from 'node:https';
import type { Socket } from 'node:net';
import { SseHub, type ChannelEventInput } from 'nestjs-sse-redis';
import { ResponseSink } from '../../src/response/response-sink.js';
import { certificate } from './certificate.js';
import { newsModule, NO_HEARTBEATS } from './news.app.js';
import { RawExchange } from './raw-exchange.js';

const DATA = 'größer 漢字 😀';
/** Megabytes are published at once, also on a busy machine. */
const OPTIONS = { directWrites: true, publishTimeout: 60_000, ...NO_HEARTBEATS };

const redis = useRedis();

const news = (count: number): ChannelEventInput[] =>
  Array.from({ length: count }, (_, i) => ({ channel: 'news', data: `${DATA} ${i}` }));
const dataOf = (messages: readonly { data: string }[]): string[] => messages.map(({ data }) => data);
const expected = (count: number): unknown[] => news(count).map(({ data }) => data);

/** A response that takes its time, for a request that another follows on the same connection. */
const turn = { come: deferred() };
@Controller()
class SlowController {
  @Get('slow')
  async slow(): Promise<string> {
    await turn.come.promise;
    return 'at last';
  }
}

forEachAdapter((adapter) => {
  let running: RunningApp;
  let hub: SseHub;
  let sockets: Socket[];
  const closeLater: (() => unknown)[] = [];

  /** How many times each socket was written to. */
  const writes = new Map<Socket, number>();

  async function start(configure: (app: INestApplication) => unknown = () => undefined): Promise<void> {
    sockets = [];
    writes.clear();
    const { imports, controllers } = newsModule({
      prefix: randomUUID(),
      redis: redis.url,
      ...OPTIONS,
    });
    const options: StartAppOptions = {
      configure: (app) => {
        (app.getHttpServer() as Server).on('connection', watch);
        configure(app);
      },
    };
    running = await startApp({ imports, controllers: [...controllers, SlowController] }, adapter, options);
    hub = running.app.get(SseHub);
  }

  function watch(socket: Socket): void {
    sockets.push(socket);
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (...args: unknown[]) => {
      writes.set(socket, (writes.get(socket) ?? 0) + 1);
      return write(...args);
    };
  }

  async function open(path = '/news', options?: Parameters<typeof SseStream.open>[1]): Promise<SseStream> {
    const stream = SseStream.open(running.url + path, options);
    closeLater.push(() => stream.close());
    await stream.waitForBlock(({ id }) => id !== undefined);
    return stream;
  }

  const writesOf = (socket: Socket | undefined): number => writes.get(socket!) ?? 0;

  afterEach(async () => {
    jest.restoreAllMocks();
    for (const close of closeLater.splice(0)) await close();
    await running.close();
  });

  describe('frames of one tick', () => {
    const BURST = 100;

    async function writesOfBurst(): Promise<number> {
      await start();
      const stream = await open();
      const before = writesOf(sockets[0]);
      await hub.publishMany(news(BURST));
      expect(dataOf(await stream.waitFor(BURST))).toEqual(expected(BURST));
      return writesOf(sockets[0]) - before;
    }

    it('are written at once', async () => {
      // As many as there were reads from Redis, which may answer a long pipeline in parts.
      expect(await writesOfBurst()).toBeLessThanOrEqual(BURST / 5);
    });

    it('would be as many writes as frames (negative control)', async () => {
      // oxlint-disable-next-line typescript/unbound-method -- applied to the sink below
      const { event } = ResponseSink.prototype;
      jest.spyOn(ResponseSink.prototype, 'event').mockImplementation(function (this: ResponseSink, ...args) {
        const more = event.apply(this, args);
        this.flush();
        return more;
      });
      expect(await writesOfBurst()).toBeGreaterThanOrEqual(BURST);
    });

    it('cost one write each when they come one by one', async () => {
      await start();
      const stream = await open();
      const before = writesOf(sockets[0]);
      for (const [i, event] of news(5).entries()) {
        await hub.publishMany([event]);
        await stream.waitFor(i + 1);
      }
      expect(writesOf(sockets[0]) - before).toBe(5);
    });

    it('go past the queue of a socket that nobody watches', async () => {
      await start();
      (running.app.getHttpServer() as Server).off('connection', watch);
      let socket: Socket | undefined;
      (running.app.getHttpServer() as Server).once('connection', (each: Socket) => (socket = each));
      const stream = await open();
      await hub.publishMany(news(1));
      await stream.waitFor(1);
      // Only now: who watches from the beginning sees every write, as above.
      watch(socket!);
      for (let count = 2; count <= 5; count++) {
        await hub.publishMany(news(1));
        await stream.waitFor(count);
      }
      expect(writesOf(socket)).toBe(0);
      // Except for large ones.
      await hub.publish('news', { data: 'x'.repeat(20_000) });
      await stream.waitFor(6);
      expect(writesOf(socket)).toBe(1);
    });

    it('are joined once for all that get the same, and each gets its own', async () => {
      await start();
      const paths = ['a,b', 'b,a', 'a', 'b', 'a,b,c', 'c'];
      const streams = await Promise.all(paths.map((channels) => open(`/streams?channels=${channels}`)));
      const events = Array.from({ length: 300 }, (_, i) => ({ channel: 'abc'[(i * i) % 3]!, data: i }));
      await hub.publishMany(events);
      for (const [i, stream] of streams.entries()) {
        const channels = paths[i]!.split(',');
        const own = events.filter(({ channel }) => channels.includes(channel)).map(({ data }) => `${data}`);
        expect(dataOf(await stream.waitFor(own.length))).toEqual(own);
      }
    });

    it('are all written before the end', async () => {
      await start();
      const stream = await open();
      await hub.pipe('news', expected(50) as string[]);
      expect(await stream.ended).toBe('end');
      expect(dataOf(stream.messages).slice(0, 50)).toEqual(expected(50));
      expect(stream.messages.at(-1)).toMatchObject({ type: 'end' });
    });
  });

  describe('goes through the response', () => {
    it('for HTTP/1.0, which has no chunks', async () => {
      await start();
      const exchange = RawExchange.open(running.url, 'GET /news HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
      closeLater.push(() => exchange.close());
      await until(() => exchange.text.includes('\nid: '));
      await hub.publishMany(news(20));
      expect(dataOf(await exchange.messages(20))).toEqual(expected(20));
      expect(exchange.answers[0]!.head).not.toMatch(/chunked/i);
    });

    it('for a request that waits for its turn on a connection', async () => {
      turn.come = deferred();
      await start();
      const opens = jest.spyOn(ResponseSink.prototype, 'open');
      const events = jest.spyOn(ResponseSink.prototype, 'event');
      const host = 'Host: localhost\r\n\r\n';
      const exchange = RawExchange.open(
        running.url,
        `GET /slow HTTP/1.1\r\n${host}GET /news HTTP/1.1\r\n${host}`,
      );
      closeLater.push(() => exchange.close());
      // It has begun, and what it was given waits in the response: nothing may overtake it.
      await until(() => opens.mock.calls.length > 0);
      await hub.publishMany(news(20));
      await until(() => events.mock.calls.length === 20);
      expect(exchange.text).toBe('');
      turn.come.resolve();
      await until(() => exchange.answers.length === 2);
      await hub.publish('news', { data: 'afterwards' });
      expect(dataOf(await exchange.messages(21))).toEqual([...expected(20), 'afterwards']);
      expect(exchange.answers[0]).toMatchObject({ body: 'at last' });
    });

    it('where a middleware has wrapped its write', async () => {
      const seen: string[] = [];
      await start((app) =>
        app.use((_request: unknown, response: ServerResponse, next: () => void) => {
          const write = response.write.bind(response) as (...args: unknown[]) => boolean;
          response.write = (...args: unknown[]) => {
            seen.push(String(args[0]));
            return write(...args);
          };
          next();
        }),
      );
      const stream = await open();
      await hub.publishMany(news(20));
      expect(dataOf(await stream.waitFor(20))).toEqual(expected(20));
      expect(seen.join('').match(/^data: /gm)).toHaveLength(20);
    });

    it('and a write that throws ends its own stream only', async () => {
      await start((app) =>
        app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
          const write = response.write.bind(response) as (...args: unknown[]) => boolean;
          if (request.headers['x-broken']) {
            response.write = (...args: unknown[]) => {
              if (String(args[0]).includes('data: ')) throw new Error('broken on purpose');
              return write(...args);
            };
          }
          next();
        }),
      );
      running.app.useLogger(false);
      const broken = await open('/news', { headers: { 'x-broken': '1' } });
      const stream = await open();
      await hub.publishMany(news(5));
      expect(await broken.ended).toBe('error');
      expect(dataOf(await stream.waitFor(5))).toEqual(expected(5));
      await until(() => hub.stats().connections === 1);
    });
  });

  it('leaves nothing on a socket that goes on to other requests', async () => {
    await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    closeLater.push(() => agent.destroy());
    const events = ['drain', 'timeout', 'close', 'error', 'end', 'finish'];
    const counts: number[][] = [];
    for (let round = 0; round < 13; round++) {
      const channel = `round-${round}`;
      const ended = deferred();
      let text = '';
      let response: IncomingMessage | undefined;
      get(`${running.url}/streams?channels=${channel}`, { agent }, (incoming) => {
        response = incoming.setEncoding('utf8').on('data', (data: string) => (text += data));
        incoming.on('end', () => ended.resolve());
      });
      await until(() => text.includes('\nid: '));
      // Once it does not read for a while, and the socket is waited for.
      const stalls = round === 1;
      if (stalls) response!.pause();
      const items = Array.from({ length: stalls ? 400 : 2 }, () => 'x'.repeat(stalls ? 65_000 : 10));
      const piped = hub.pipe(channel, items);
      if (stalls) {
        await until(() => sockets[0]!.listenerCount('drain') > counts[0]![0]!);
        response!.resume();
      }
      await piped;
      await ended.promise;
      expect(text.match(/^data: x/gm)).toHaveLength(items.length);
      await until(() => hub.stats().connections === 0);
      counts.push(events.map((event) => sockets[0]!.listenerCount(event)));
    }
    expect(sockets).toHaveLength(1);
    expect(counts.at(-1)).toEqual(counts[0]);
    expect(counts[2]).toEqual(counts[0]);
  });

  it('would be written in parts by the response (the twin of one write each)', async () => {
    await start((app) =>
      app.use((_request: unknown, response: ServerResponse, next: () => void) => {
        response.write = response.write.bind<typeof response.write>(response);
        next();
      }),
    );
    const stream = await open();
    const before = writesOf(sockets[0]);
    await hub.publishMany(news(1));
    await stream.waitFor(1);
    expect(writesOf(sockets[0]) - before).toBeGreaterThan(1);
  });
});

/** An application behind a server that is no plain one. */
function startBehind(
  adapter: ExpressAdapter | FastifyAdapter,
  application: NestApplicationOptions = {},
): Promise<RunningApp> {
  const limits = { bufferedBytes: 65_536 };
  const options = { prefix: randomUUID(), redis: redis.url, limits, ...OPTIONS };
  return startApp(newsModule(options), adapter, { application });
}

const linesOf = (count: number): string[] => expected(count).map((data) => `data: ${String(data)}`);

describe.each([
  ['express', () => startBehind(new ExpressAdapter(), { httpsOptions: certificate })],
  ['fastify', () => startBehind(new FastifyAdapter({ https: certificate }))],
] as const)('over TLS, on %s', (_name, start) => {
  it('writes to the socket, which encrypts', async () => {
    const { app, url, close } = await start();
    const { port } = new URL(url);
    const hub = app.get(SseHub);
    let writes = 0;
    (app.getHttpServer() as Server).on('secureConnection', (socket: Socket) => {
      const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
      socket.write = (...args: unknown[]) => (writes++, write(...args));
    });
    let text = '';
    const request = getOverTls(
      { host: '127.0.0.1', port, path: '/news', rejectUnauthorized: false },
      (response) => {
        response.setEncoding('utf8').on('data', (data: string) => (text += data));
        response.on('error', () => undefined);
      },
    );
    request.on('error', () => undefined);
    try {
      await until(() => text.includes('\nid: '));
      const before = writes;
      for (const [i, event] of news(5).entries()) {
        await hub.publishMany([event]);
        await until(() => text.includes(`${DATA} ${i}`));
      }
      expect(text.match(/^data: .*$/gm)).toEqual(linesOf(5));
      expect(writes - before).toBe(5);
    } finally {
      request.destroy();
      await close();
    }
  });
});

describe('over HTTP/2, on fastify', () => {
  let app: INestApplication;
  let session: ClientHttp2Session;

  beforeEach(async () => {
    let url: string;
    ({ app, url } = await startBehind(new FastifyAdapter({ http2: true })));
    session = connectHttp2(url);
  });
  afterEach(async () => {
    session.destroy();
    await app.close();
  });

  function open(path: string): { text: () => string; stream: ReturnType<ClientHttp2Session['request']> } {
    const stream = session.request({ ':path': path });
    let text = '';
    stream.setEncoding('utf8').on('data', (data: string) => (text += data));
    stream.on('error', () => undefined);
    return { text: () => text, stream };
  }

  it('streams to several streams of one connection, and notices when one goes', async () => {
    const hub = app.get(SseHub);
    const streams = Array.from({ length: 8 }, () => open('/news'));
    await until(() => streams.every(({ text }) => text().includes('\nid: ')));
    await hub.publishMany(news(50));
    await until(() => streams.every(({ text }) => text().includes(`${DATA} 49`)));
    for (const { text } of streams) {
      expect(text().match(/^data: .*$/gm)).toEqual(linesOf(50));
    }
    streams[0]!.stream.close();
    await until(() => hub.stats().connections === 7);
  });

  it('does not buffer for a stream that is not read, and goes on when it is', async () => {
    const hub = app.get(SseHub);
    const [slow, quick] = [open('/news'), open('/news')];
    await until(() => [slow, quick].every(({ text }) => text().includes('\nid: ')));
    slow.stream.pause();
    const events = Array.from({ length: 500 }, (_, i) => ({
      channel: 'news',
      data: `${i} ${'x'.repeat(4_000)}`,
    }));
    await hub.publishMany(events);
    await until(() => quick.text().includes('data: 499 '));
    expect(slow.text()).not.toContain('data: 499 ');
    slow.stream.resume();
    await until(() => slow.text().includes('data: 499 '));
    const numbers = slow.text().match(/^data: \d+/gm);
    expect(numbers).toEqual(events.map((_, i) => `data: ${i}`));
  });
});
