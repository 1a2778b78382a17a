import { Controller, Injectable, Module, Sse, UseFilters } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { of } from 'rxjs';
import {
  OnSseEvent,
  RedisUnavailableError,
  SSE_REDIS_OPTIONS,
  SseChannels,
  SseClient,
  SseHub,
  SseRedisModule,
  SseRegistry,
  SseStreamFilter,
} from 'nestjs-sse-redis';
import { SseStream, startApp } from '@nestjs-sse-redis/testing';

@Controller()
class RoomsController {
  constructor(readonly hub: SseHub) {}

  @Sse('news')
  news(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }

  @Sse('rooms')
  @SseChannels('rooms')
  rooms(): void {}

  @Sse('filtered')
  @UseFilters(SseStreamFilter)
  @SseChannels('rooms')
  filtered(): void {}
}

const HUB = Symbol('HUB');
const ALIAS = { provide: HUB, useExisting: SseHub };

const connect = () => of({ data: 'from the test' });

describe('a test that replaces the hub', () => {
  let server: Server;
  let knocks: number;
  const importHub = () =>
    SseRedisModule.forRoot({
      redis: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
      connectTimeout: 300,
    });

  /** Stands where Redis would be, and counts connections. */
  beforeEach(async () => {
    knocks = 0;
    server = createServer((socket) => {
      knocks++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  async function initAndClose(override: (builder: TestingModuleBuilder) => TestingModuleBuilder) {
    const builder = Test.createTestingModule({ imports: [importHub()], controllers: [RoomsController] });
    const module = await override(builder).compile();
    try {
      await module.init();
      return module;
    } finally {
      await module.close();
    }
  }

  it('connects to nothing with overrideProvider(SseHub)', async () => {
    const hub = { connect };
    const module = await initAndClose((builder) => builder.overrideProvider(SseHub).useValue(hub));
    expect(module.get(RoomsController).hub).toBe(hub);
    await expect(module.get(SseRegistry).count()).rejects.toThrow(RedisUnavailableError);
    expect(knocks).toBe(0);
  });

  it('starts without listening where methods with @OnSseEvent() have a hub of the test', async () => {
    const heard: unknown[] = [];
    @Injectable()
    class Listener {
      @OnSseEvent('news', { once: 'cluster' })
      @OnSseEvent('news', { once: 'node' })
      hear(event: unknown): void {
        heard.push(event);
      }
    }
    const builder = Test.createTestingModule({ imports: [importHub()], providers: [Listener] });
    const stub = Object.create(SseHub.prototype) as SseHub;
    for (const hub of [{ connect }, stub]) {
      const module = await builder.overrideProvider(SseHub).useValue(hub).compile();
      await module.init();
      await module.close();
    }
    expect(heard).toEqual([]);
    expect(knocks).toBe(0);
  });

  it('connects to Redis where the hub is not replaced (negative control)', async () => {
    await expect(initAndClose((builder) => builder)).rejects.toThrow(RedisUnavailableError);
    expect(knocks).toBeGreaterThan(0);
  });

  it('connects to Redis where the registry alone is replaced', async () => {
    const replaced = initAndClose((builder) => builder.overrideProvider(SseRegistry).useValue({}));
    await expect(replaced).rejects.toThrow(RedisUnavailableError);
  });

  it.each(['express', 'fastify'] as const)('streams what its hub returns, on %s', async (adapter) => {
    const module = { imports: [importHub()], controllers: [RoomsController] };
    const { url, close } = await startApp(module, adapter, {
      override: (builder) => builder.overrideProvider(SseHub).useValue({ connect }),
    });
    for (const route of ['news', 'rooms']) {
      expect(await (await fetch(`${url}/${route}`)).text()).toContain('data: from the test');
    }
    await close();
    expect(knocks).toBe(0);
  });

  it('connects to nothing with overrideModule of what forRoot returned', async () => {
    const hub = { connect };
    @Module({ providers: [{ provide: SseHub, useValue: hub }], exports: [SseHub] })
    class FakeHubModule {}
    @Controller()
    class Publisher {
      constructor(readonly hub: SseHub) {}
    }
    const imported = importHub();
    const module = await Test.createTestingModule({ imports: [imported], controllers: [Publisher] })
      .overrideModule(imported)
      .useModule(FakeHubModule)
      .compile();
    await module.init();
    expect(module.get(Publisher).hub).toBe(hub);
    await module.close();
    expect(knocks).toBe(0);
  });

  it.each(['express', 'fastify'] as const)(
    'tests one controller beside a hub of its own, without the module, on %s',
    async (adapter) => {
      const hub = { connect };
      const module = { controllers: [RoomsController], providers: [{ provide: SseHub, useValue: hub }] };
      const { app, url, close } = await startApp(module, adapter);
      expect(app.get(RoomsController).hub).toBe(hub);
      for (const route of ['news', 'rooms', 'filtered']) {
        expect(await (await fetch(`${url}/${route}`)).text()).toContain('data: from the test');
      }
      await close();
    },
  );

  it('tests one controller with useMocker(), which mocks the options of the hub as well', async () => {
    const override = (builder: TestingModuleBuilder) => builder.useMocker(() => ({ connect }));
    const { url, close } = await startApp({ controllers: [RoomsController] }, 'express', { override });
    for (const route of ['news', 'rooms', 'filtered']) {
      expect(await (await fetch(`${url}/${route}`)).text()).toContain('data: from the test');
    }
    await close();
  });

  it('asks identify of the hub where a module hands on the hub alone', async () => {
    const identify = () => 'ann';
    @Module({ imports: [SseRedisModule.forRoot({ identify })], exports: [HUB], providers: [ALIAS] })
    class HubModule {}
    const users: unknown[] = [];
    @Controller()
    class UserController {
      @Sse()
      @SseChannels((_request, { user }) => {
        users.push(user);
        return 'news';
      })
      stream(): void {}
    }
    const module = {
      imports: [HubModule],
      controllers: [UserController],
      providers: [{ provide: SseHub, useExisting: HUB }],
    };
    const { url, close } = await startApp(module, 'express');
    const stream = SseStream.open(url);
    await stream.opened;
    expect(users).toEqual(['ann']);
    await stream.close();
    await close();
  });

  it('uses the embedded broker with overrideProvider(SSE_REDIS_OPTIONS)', async () => {
    const module = await Test.createTestingModule({ imports: [importHub()] })
      .overrideProvider(SSE_REDIS_OPTIONS)
      .useValue({})
      .compile();
    await module.init();
    const { id } = await module.get(SseHub).publish('news', { data: 1 });
    expect(await module.get(SseHub).history('news')).toMatchObject({ events: [{ id, data: 1 }] });
    await module.close();
    expect(knocks).toBe(0);
  });
});
