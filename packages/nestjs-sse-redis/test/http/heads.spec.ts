import { Controller, Header, Sse } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { forEachAdapter, startApp, until, type RunningApp } from '@nestjs-sse-redis/testing';
import { connect as connectHttp2 } from 'node:http2';
import { SseClient, SseHub, type SseRedisOptions } from 'nestjs-sse-redis';
import { concat, map, of, throwError, type Observable } from 'rxjs';
import { DISMISSED_ID } from '../../src/event/position.js';
import { newsModule } from './news.app.js';
import { RawExchange } from './raw-exchange.js';

@Controller()
class HeadsController {
  constructor(private readonly hub: SseHub) {}

  /** Fastify keeps the name in lower case, and Nest's stream hands it on so. */
  @Sse('own')
  @Header('incremental', '?0')
  own(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }

  @Sse('failing')
  failing(@SseClient() client: SseClient): Observable<never> {
    const stream = this.hub.connect(client, 'news');
    return concat(
      throwError(() => new Error('thrown on purpose')),
      stream.pipe(map((event) => event as never)),
    );
  }

  @Sse('early')
  early(@SseClient() client: SseClient) {
    return concat(of({ data: 'first' }), this.hub.connect(client, 'news'));
  }
}

function headsModule(options: SseRedisOptions = {}) {
  const { imports, controllers } = newsModule(options);
  return { imports, controllers: [...controllers, HeadsController] };
}

forEachAdapter((adapter) => {
  let running: RunningApp;
  const exchanges: RawExchange[] = [];

  afterEach(async () => {
    for (const exchange of exchanges.splice(0)) exchange.close();
    await running.close();
  });

  const start = async (options?: SseRedisOptions): Promise<void> => {
    running = await startApp(headsModule(options), adapter, { application: { logger: false } });
  };

  /** The head of the answer, in lower case. */
  async function headOf(path: string, ...headers: string[]): Promise<string> {
    const lines = [`GET ${path} HTTP/1.1`, 'Host: localhost', ...headers];
    const exchange = RawExchange.open(running.url, `${lines.join('\r\n')}\r\n\r\n`);
    exchanges.push(exchange);
    await until(() => exchange.text.includes('\r\n\r\n'));
    return exchange.text.split('\r\n\r\n', 1)[0]!.toLowerCase();
  }

  const fieldsOf = (head: string, name: string): string[] =>
    head
      .split('\r\n')
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2));

  it.each(['/news', '/orders/1/progress', '/early'])(
    'asks proxies to forward %s as it comes',
    async (path) => {
      await start();
      const head = await headOf(path);
      expect(head).toMatch(/^http\/1.1 200 /);
      expect(fieldsOf(head, 'incremental')).toEqual(['?1']);
      expect(fieldsOf(head, 'x-accel-buffering')).toEqual(['no']);
    },
  );

  it('asks the same for a stream that is refused, and forbids caches to store it', async () => {
    await start({ limits: { connections: 1 } });
    await headOf('/news');
    const head = await headOf('/news');
    await until(() => exchanges.at(-1)!.text.includes('TOO_MANY_CONNECTIONS'));
    expect(head).toMatch(/^http\/1.1 200 /);
    expect(fieldsOf(head, 'incremental')).toEqual(['?1']);
    expect(fieldsOf(head, 'cache-control').join()).toContain('no-store');
  });

  it('keeps the value of an application that sets the field itself', async () => {
    await start();
    expect(fieldsOf(await headOf('/own'), 'incremental')).toEqual(['?0']);
  });

  it('leaves the field out of an answer that is no stream', async () => {
    await start();
    const head = await headOf('/failing');
    expect(head).toMatch(/^http\/1.1 500 /);
    expect(fieldsOf(head, 'incremental')).toEqual([]);
  });

  it('forbids caches to store the 204 for a client that was disconnected for good', async () => {
    await start();
    for (const path of [
      `/news?lastEventId=${DISMISSED_ID}`,
      `/orders/1/progress?lastEventId=${DISMISSED_ID}`,
    ]) {
      const head = await headOf(path);
      expect(head).toMatch(/^http\/1.1 204 /);
      expect(fieldsOf(head, 'cache-control')).toEqual(['no-store']);
    }
  });

  it('forbids caches to store a refusal by status', async () => {
    await start({ limits: { connections: 1 } });
    await headOf('/news');
    const head = await headOf('/news', 'Prefer: status');
    expect(head).toMatch(/^http\/1.1 429 /);
    expect(fieldsOf(head, 'cache-control')).toEqual(['no-store']);
    expect(fieldsOf(head, 'retry-after')).toHaveLength(1);
  });
});

describe('over HTTP/2, on fastify', () => {
  it('asks proxies to forward a stream as it comes', async () => {
    const { url, close } = await startApp(headsModule(), new FastifyAdapter({ http2: true }), {
      application: { logger: false },
    });
    const session = connectHttp2(url);
    try {
      const stream = session.request({ ':path': '/news' });
      const headers = await new Promise<Record<string, unknown>>((resolve) =>
        stream.once('response', resolve),
      );
      expect(headers).toMatchObject({ ':status': 200, incremental: '?1', 'x-accel-buffering': 'no' });
    } finally {
      session.destroy();
      await close();
    }
  });
});
