import {
  deferred,
  forEachAdapter,
  SseStream,
  startApp,
  until,
  type Deferred,
} from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { Global, Inject, Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SseHub } from 'nestjs-sse-redis';
import type { Server } from 'node:http';
import { FirstShutdown } from '../../src/platform/first-shutdown.js';
import { newsModule } from './news.app.js';

afterEach(() => jest.restoreAllMocks());

interface Fastify {
  close(): Promise<void>;
}

/** Closes the server as the drain plugins of Apollo do: it waits for open connections, and cuts them when its time is up. */
@Injectable()
class ServerCloser implements OnModuleDestroy {
  static begun: Deferred<void>;
  static grace: Deferred<void>;

  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  async onModuleDestroy(): Promise<void> {
    const adapter = this.host.httpAdapter;
    const server = adapter.getHttpServer() as Server;
    void ServerCloser.grace.promise.then(() => server.closeAllConnections());
    const closed =
      adapter.getType() === 'fastify'
        ? adapter.getInstance<Fastify>().close()
        : new Promise((resolve) => server.close(resolve));
    ServerCloser.begun.resolve();
    await closed;
  }
}

/** Global, and so destroyed behind the hub's module; otherwise before it. */
@Global()
@Module({ providers: [ServerCloser] })
class GlobalCloserModule {}

@Module({ providers: [ServerCloser] })
class CloserModule {}

describe.each([CloserModule, GlobalCloserModule])(
  'an application of which %p closes the server',
  (closer) => {
    forEachAdapter((adapter) => {
      beforeEach(() => {
        ServerCloser.begun = deferred();
        ServerCloser.grace = deferred();
      });
      afterEach(() => ServerCloser.grace.resolve());

      async function open() {
        const news = newsModule({ drain: { retry: 1_000 } });
        const running = await startApp({ ...news, imports: [closer, ...news.imports] }, adapter);
        const stream = SseStream.open(`${running.url}/news`);
        await until(() => stream.lastEventId !== '');
        return { running, stream };
      }

      it('hands its clients over as it closes', async () => {
        const { running, stream } = await open();
        const closed = running.close();
        expect(await stream.ended).toBe('end');
        expect(stream.retry).toBeGreaterThanOrEqual(500);
        await closed;
      });

      it('has them cut where the hub waits for its own hook (negative control)', async () => {
        jest.spyOn(FirstShutdown.prototype, 'onModuleDestroy').mockReturnValue(undefined);
        const { running, stream } = await open();
        const closed = running.close();
        await ServerCloser.begun.promise;
        ServerCloser.grace.resolve();
        expect(await stream.ended).not.toBe('end');
        await closed;
      });
    });
  },
);

forEachAdapter((adapter) => {
  it('keeps serving streams where a test closes the server of a living application, and opens it again', async () => {
    const { app, close } = await startApp(newsModule({}), adapter);
    const server = app.getHttpServer() as Server;
    await new Promise((resolve) => server.close(resolve));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const stream = SseStream.open(`http://127.0.0.1:${port}/news`);
    await until(() => stream.lastEventId !== '');
    await app.get(SseHub).publish('news', { data: 1 });
    await stream.waitFor((message) => message.data === '1');
    expect(stream.messages.at(-1)!.data).toBe('1');
    await close();
  });
});
