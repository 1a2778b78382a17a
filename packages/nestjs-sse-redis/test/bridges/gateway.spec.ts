import { until } from '@nestjs-sse-redis/testing';
import { Inject } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import { SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { filter, fromEvent, map, takeUntil, type Observable } from 'rxjs';
import { WebSocket } from 'ws';
import { Hubs } from '../hub/hubs.js';

interface Watch {
  readonly channel: string;
  readonly after?: string;
}

/** The gateway of docs/bridges.md. */
@WebSocketGateway()
class EventsGateway implements OnGatewayDisconnect {
  open = 0;

  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  handleDisconnect(): void {
    this.open--;
  }

  @SubscribeMessage('watch')
  watch(@MessageBody() { channel, after }: Watch, @ConnectedSocket() socket: WebSocket): Observable<unknown> {
    this.open++;
    return this.hub.events(channel, after === undefined ? {} : { after }).pipe(
      takeUntil(fromEvent(socket, 'close')),
      filter(({ type }) => type !== 'are-you-there'),
      map((event) => ({ event: event.type ?? 'message', data: { id: event.id, data: event.data } })),
    );
  }
}

class Page {
  readonly messages: { event: string; data: { id: string; data: unknown } }[] = [];
  readonly socket: WebSocket;

  constructor(
    app: INestApplication,
    private readonly watch: Watch,
  ) {
    const { port } = app.getHttpServer().address() as AddressInfo;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}`);
    this.socket.on('message', (text: Buffer) => this.messages.push(JSON.parse(text.toString()) as never));
  }

  get data(): unknown[] {
    return this.messages.map(({ data }) => data.data);
  }

  async open(): Promise<void> {
    await once(this.socket, 'open');
    this.socket.send(JSON.stringify({ event: 'watch', data: this.watch }));
  }

  async close(): Promise<void> {
    this.socket.close();
    await once(this.socket, 'close');
  }
}

describe('a WebSocket gateway that is fed by hub.events()', () => {
  const hubs = Hubs.over('redis');

  async function start(prefix: string): Promise<INestApplication> {
    const app = await NestFactory.create(
      {
        module: EventsGateway,
        imports: [SseRedisModule.forRoot({ redis: hubs.redis.url, prefix })],
        providers: [EventsGateway],
      },
      { logger: false },
    );
    app.useWebSocketAdapter(new WsAdapter(app));
    await app.listen(0, '127.0.0.1');
    hubs.closeLater(() => app.close());
    return app;
  }

  async function open(app: INestApplication, watch: Watch): Promise<Page> {
    const page = new Page(app, watch);
    hubs.closeLater(() => page.socket.terminate());
    await page.open();
    return page;
  }

  it('sends sockets of two processes each event once and in order, and what they missed after a reconnect', async () => {
    const prefix = randomUUID();
    const [one, two] = [await start(prefix), await start(prefix)];
    const hub = one.get(SseHub);
    const begin = await hub.cursor();
    const pages = [
      await open(one, { channel: 'news', after: begin }),
      await open(two, { channel: 'news', after: begin }),
    ];
    const numbers = Array.from({ length: 100 }, (_, i) => i);
    for (const i of numbers) await hub.publish('news', { type: 'article', data: i });
    await until(() => pages.every(({ messages }) => messages.length === numbers.length));
    for (const { data } of pages) expect(data).toEqual(numbers);
    expect(pages[0]!.messages[0]!.event).toBe('article');
    await pages[0]!.close();
    await hub.publish('news', { data: 'missed' });
    // It comes back to the other process.
    const back = await open(two, { channel: 'news', after: pages[0]!.messages.at(-1)!.data.id });
    await hub.publish('news', { data: 'live' });
    await until(() => back.data.length === 2);
    expect(back.data).toEqual(['missed', 'live']);
    expect(back.messages[0]!.event).toBe('message');
  });

  it('lets go of the channel when the socket is closed', async () => {
    const app = await start(randomUUID());
    const hub = app.get(SseHub);
    const page = await open(app, { channel: 'news', after: 'start' });
    await hub.publish('news', { data: 1 });
    await until(() => page.data.length === 1);
    const { channels } = hub.stats();
    await page.close();
    await until(() => hub.stats().channels === channels - 1);
    expect(app.get(EventsGateway).open).toBe(0);
  });
});
