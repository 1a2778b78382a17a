import { Controller, Get, Injectable, Module, Sse, type MessageEvent } from '@nestjs/common';
import { adapters, createAdapter, forEachAdapter, SseStream, startApp } from '@nestjs-sse-redis/testing';
import { of, type Observable } from 'rxjs';

@Injectable()
class Greeter {
  greet(): string {
    return 'hello';
  }
}

@Controller('greet')
class GreetController {
  constructor(private readonly greeter: Greeter) {}

  @Get()
  greet(): string {
    return this.greeter.greet();
  }

  @Sse('stream')
  stream(): Observable<MessageEvent> {
    return of({ id: '5', data: this.greeter.greet() });
  }
}

@Module({ controllers: [GreetController], providers: [Greeter] })
class GreetModule {}

const suites: string[] = [];

forEachAdapter((name, adapter) => {
  suites.push(name);

  it('is the adapter that its name says', () => {
    expect(adapter.create().getType()).toBe(name);
    expect(adapter.create()).not.toBe(adapter.create());
  });

  it('starts a module, configured, and closes it', async () => {
    const { app, url, close } = await startApp(GreetModule, name, {
      configure: (application) => void application.setGlobalPrefix('api'),
    });
    expect(app.getHttpAdapter().getType()).toBe(name);
    expect(await (await fetch(`${url}/api/greet`)).text()).toBe('hello');
    const stream = SseStream.open(`${url}/api/greet/stream`);
    expect(await stream.waitFor(1)).toEqual([{ id: '5', type: 'message', data: 'hello' }]);
    expect(await stream.ended).toBe('end');
    await Promise.all([close(), close()]);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('starts module metadata and dynamic modules, with providers overridden', async () => {
    for (const module of [{ imports: [GreetModule] }, { module: GreetModule }]) {
      const { url, close } = await startApp(module, name, {
        override: (builder) => builder.overrideProvider(Greeter).useValue({ greet: () => 'instead' }),
      });
      expect(await (await fetch(`${url}/greet`)).text()).toBe('instead');
      await close();
    }
  });
});

describe('the adapters', () => {
  it('have all had their turn', () => {
    expect(suites).toEqual(['express', 'fastify']);
    expect(adapters.map(({ name }) => name)).toEqual(suites);
  });

  it('are these and no other', () => {
    expect(() => createAdapter('koa' as never)).toThrow('no adapter "koa": take express or fastify');
  });
});
