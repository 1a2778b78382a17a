import {
  deferred,
  forEachAdapter,
  ReconnectingClient,
  startApp,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { goOnAtAnother } from './another-process.js';
import { newsModule } from './news.app.js';

const EVENT_STREAM = { accept: 'text/event-stream' };

/** An option of Nest 12: from the beginning of a shutdown on, each request is answered 503. */
forEachAdapter((adapter) => {
  describe('an application with return503OnClosing that closes', () => {
    let running: RunningApp;
    let closed: Promise<void>;
    let closing = deferred();
    let mayClose = deferred();

    /** Waits until another module's hook holds the shutdown, before the hub's own hooks are called. */
    async function close(prepare: (adapter: AbstractHttpAdapter) => void = () => undefined): Promise<void> {
      [closing, mayClose] = [deferred(), deferred()];
      @Injectable()
      class Holder implements OnModuleDestroy {
        async onModuleDestroy(): Promise<void> {
          closing.resolve();
          await mayClose.promise;
        }
      }
      const module = { ...newsModule({ drain: { retry: 1_000 } }), providers: [Holder] };
      running = await startApp(module, adapter, { application: { return503OnClosing: true } });
      prepare(running.app.getHttpAdapter() as AbstractHttpAdapter);
      closed = running.close();
      await closing.promise;
    }

    afterEach(async () => {
      mayClose.resolve();
      await closed;
    });

    const get = (headers: Record<string, string>) => fetch(`${running.url}/news`, { headers });

    it('sends clients of event streams away so that they come back, from the beginning on', async () => {
      await close();
      const answer = await get(EVENT_STREAM);
      expect(answer.status).toBe(200);
      const retry = /^retry: (\d+)\n\n$/.exec(await answer.text());
      expect(Number(retry?.[1])).toBeGreaterThanOrEqual(500);
    });

    it('answers all others 503, also clients that prefer a status', async () => {
      await close();
      expect((await get({ accept: 'application/json' })).status).toBe(503);
      expect((await get({ ...EVENT_STREAM, prefer: 'status' })).status).toBe(503);
    });

    it('leaves an EventSource its life: it goes on at another process', async () => {
      await close();
      expect(await goOnAtAnother(running.url, adapter)).toBe('from the other');
    });

    it('would end an EventSource for good (negative control)', async () => {
      // The method of Nest's adapter is left.
      await close((nest) => Reflect.deleteProperty(nest, 'beforeClose'));
      expect((await get(EVENT_STREAM)).status).toBe(503);
      const client = ReconnectingClient.start(`${running.url}/news`);
      await client.stream.ended;
      await expect(client.opened).rejects.toThrow(/given up.*503/);
    });
  });
});
