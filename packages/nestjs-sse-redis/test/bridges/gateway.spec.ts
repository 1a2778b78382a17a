import { startApp, TcpProxy, until } from '@nestjs-sse-redis/testing';
import type { INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Server, ServerOptions } from 'socket.io';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { Hubs } from '../hub/hubs.js';
import { EventsGateway } from './events.gateway.js';
import { watchChannel } from './watch-channel.js';

interface HubEvent {
  readonly id: string;
  readonly type?: string;
  readonly data: unknown;
}

/** A page on one channel. */
interface Page {
  readonly events: HubEvent[];
  /** The position where it begins. */
  readonly begun: () => unknown;
  close(): void;
}
type OpenPage = (port: number, channel: string) => Page;

const openIo: OpenPage = (port, channel) => {
  const events: HubEvent[] = [];
  const socket = watchChannel(`http://127.0.0.1:${port}`, channel, (event) => events.push(event));
  let isBegun = false;
  socket.once('event', () => (isBegun = true));
  return { events, begun: () => isBegun, close: () => socket.close() };
};

/** Does the same with a bare WebSocket. */
const openWs: OpenPage = (port, channel) => {
  const events: HubEvent[] = [];
  let after: string | undefined;
  let isClosed = false;
  let socket: WebSocket;
  const connect = () => {
    socket = new WebSocket(`ws://127.0.0.1:${port}`);
    socket.on('open', () => socket.send(JSON.stringify({ event: 'watch', data: { channel, after } })));
    socket.on('message', (text: Buffer) => {
      const { data } = JSON.parse(text.toString()) as { data: HubEvent };
      after = data.id;
      if (data.type !== 'position') events.push(data);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => isClosed || setTimeout(connect, 20));
  };
  connect();
  return { events, begun: () => after, close: () => ((isClosed = true), socket.close()) };
};

const dataOf = ({ events }: Page) => events.map(({ data }) => data);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
const portOf = (app: INestApplication) => (app.getHttpServer().address() as AddressInfo).port;

/** Socket.IO then sends what it had sent to a socket that was cut off. The page asks for what came behind that. */
class RecoveringAdapter extends IoAdapter {
  override createIOServer(port: number, options?: ServerOptions): Server {
    return super.createIOServer(port, { ...options, connectionStateRecovery: {} } as ServerOptions);
  }
}

const WAYS = [
  { name: 'Socket.IO', Adapter: IoAdapter, openPage: openIo },
  { name: 'Socket.IO with connectionStateRecovery', Adapter: RecoveringAdapter, openPage: openIo },
  { name: 'ws', Adapter: WsAdapter, openPage: openWs },
];

async function startGateway(
  hubs: Hubs,
  prefix: string,
  Adapter: typeof IoAdapter | typeof WsAdapter,
): Promise<INestApplication> {
  const module = {
    imports: [SseRedisModule.forRoot({ redis: hubs.redis.url, prefix })],
    providers: [EventsGateway],
  };
  const { app, close } = await startApp(module, 'express', {
    configure: (made) => void made.useWebSocketAdapter(new Adapter(made)),
    application: { logger: false },
  });
  hubs.closeLater(close);
  return app;
}

describe.each(WAYS)('the gateway of docs/bridges.md over $name', ({ Adapter, openPage }) => {
  const hubs = Hubs.over('redis');

  const start = (prefix: string) => startGateway(hubs, prefix, Adapter);

  async function open(port: number): Promise<Page> {
    const page = openPage(port, 'news');
    hubs.closeLater(() => page.close());
    await until(page.begun);
    return page;
  }

  it('sends pages each event once and in order, through cuts and the shutdown of a process', async () => {
    const prefix = randomUUID();
    const [one, two] = [await start(prefix), await start(prefix)];
    const hub = two.get(SseHub);
    const proxy = await TcpProxy.start({ target: portOf(one) });
    hubs.closeLater(() => proxy.stop());
    const pages = [await open(proxy.port), await open(portOf(two))];
    const [cut] = pages;
    for (const i of upTo(60)) {
      await hub.publish('news', { type: 'article', data: i });
      if (i === 20 || i === 22) {
        await until(() => proxy.connections.length > 0);
        proxy.cut();
      }
      if (i === 40) {
        proxy.target = portOf(two);
        void one.close();
      }
    }
    await until(() => pages.every(({ events }) => events.length >= 60));
    await hub.publish('news', { data: 60 });
    await until(() => pages.every(({ events }) => events.at(-1)!.data === 60));
    for (const page of pages) expect(dataOf(page)).toEqual(upTo(61));
    expect(cut!.events[0]).toEqual({ id: expect.any(String), channel: 'news', type: 'article', data: 0 });
  });

  it('sends what was published while a page was away that had got no event yet', async () => {
    const app = await start(randomUUID());
    const proxy = await TcpProxy.start({ target: portOf(app) });
    hubs.closeLater(() => proxy.stop());
    const page = await open(proxy.port);
    await proxy.refuse(true);
    proxy.cut();
    await app.get(SseHub).publish('news', { data: 'missed' });
    await proxy.refuse(false);
    await until(() => page.events.length === 1);
    expect(dataOf(page)).toEqual(['missed']);
  });

  it('sends events of any type, also of the names that Nest and the gateway give their own', async () => {
    const app = await start(randomUUID());
    const page = await open(portOf(app));
    const types = ['exception', 'event'];
    for (const type of types) await app.get(SseHub).publish('news', { type, data: null });
    await until(() => page.events.length === types.length);
    expect(page.events.map(({ type }) => type)).toEqual(types);
  });

  it('lets go of the channel when the socket is closed', async () => {
    const app = await start(randomUUID());
    const hub = app.get(SseHub);
    const { channels } = hub.stats();
    const page = await open(portOf(app));
    await hub.publish('news', { data: 1 });
    await until(() => page.events.length === 1);
    expect(hub.stats().channels).toBe(channels + 1);
    page.close();
    await until(() => hub.stats().channels === channels);
  });
});

describe('the gateway of docs/bridges.md', () => {
  const hubs = Hubs.over('redis');

  it('answers a watch that it refuses with an exception, and takes the next one', async () => {
    const app = await startGateway(hubs, randomUUID(), IoAdapter);
    const socket = io(`http://127.0.0.1:${portOf(app)}`, { transports: ['websocket'] });
    hubs.closeLater(() => socket.close());
    const answers: unknown[][] = [];
    socket.onAny((...answer: unknown[]) => answers.push(answer));
    for (const watch of [{ channel: 'news', after: 'x' }, { channel: 'secrets' }, { channel: '' }])
      socket.emit('watch', watch);
    await until(() => answers.length === 3);
    expect(answers).toEqual([
      ['exception', expect.objectContaining({ code: 'INVALID_EVENT_ID' })],
      ['exception', expect.objectContaining({ message: 'forbidden' })],
      ['exception', expect.objectContaining({ code: 'INVALID_CHANNEL' })],
    ]);
    socket.emit('watch', { channel: 'news' });
    await until(() => answers.length === 4);
    expect(answers[3]).toEqual(['event', { id: expect.any(String), type: 'position' }]);
  });

  it.each(['events.gateway.ts', 'watch-channel.ts'])('is shown there as it runs here: %s', async (file) => {
    const page = await readFile(new URL('../../../../docs/bridges.md', import.meta.url), 'utf8');
    const code = await readFile(new URL(file, import.meta.url), 'utf8');
    expect(page).toContain(`\`\`\`ts\n${code}\`\`\``);
  });
});
