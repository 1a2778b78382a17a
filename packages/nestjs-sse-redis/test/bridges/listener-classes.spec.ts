import { startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { Inject, Injectable, Module, Scope, type ModuleMetadata, type Provider } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { randomUUID } from 'node:crypto';
import { InvalidOptionsError, OnSseEvent, SseHub, SseRedisModule, type SseEvent } from 'nestjs-sse-redis';

const redis = useRedis();

describe('the classes of methods with @OnSseEvent()', () => {
  let running: RunningApp | undefined;
  let heard: string[];

  abstract class Base {
    protected abstract readonly label: string;

    @OnSseEvent('a', { once: 'node' })
    onEvent({ data }: SseEvent): void {
      heard.push(`${this.label} ${String(data)}`);
    }
  }

  /** As an application makes it with its configuration. */
  class Named extends Base {
    constructor(protected readonly label: string) {
      super();
    }
  }

  abstract class OnCluster {
    @OnSseEvent('a', { once: 'cluster' })
    onEvent(): void {}
  }

  const hubModule = () => SseRedisModule.forRoot({ redis: redis.url, prefix: randomUUID(), isGlobal: true });
  const start = async (providers: Provider[], imports: ModuleMetadata['imports'] = [hubModule()]) => {
    const module = { imports, providers };
    running = await startApp(module, 'express', { application: { logger: false } });
    return running.app;
  };

  /** Over memory: nobody closes the connections of an application that has not started. */
  const startOverMemory = (...providers: Provider[]) =>
    start(providers, [SseRedisModule.forRoot({ isGlobal: true })]);

  /** Publishes two events. @returns who has heard them, when so many have heard the last one */
  async function hear(count: number): Promise<string[]> {
    const hub = running!.app.get(SseHub);
    for (const data of ['first', 'last']) await hub.publish('a', { data });
    await until(() => heard.filter((line) => line.endsWith('last')).length >= count);
    return heard.toSorted();
  }

  const both = (...labels: string[]) => labels.flatMap((label) => [`${label} first`, `${label} last`]);

  beforeEach(() => (heard = []));
  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  it('may be made by a factory, or be there as a value', async () => {
    await start([
      { provide: 'factory', useFactory: () => new Named('factory') },
      { provide: 'later', useFactory: () => Promise.resolve(new Named('later')) },
      { provide: Named, useValue: new Named('value') },
      { provide: 'none', useValue: null },
    ]);
    expect(await hear(3)).toEqual(both('factory', 'later', 'value'));
  });

  it('may be provided under a symbol', async () => {
    await start([
      { provide: Symbol('factory'), useFactory: () => new Named('factory') },
      { provide: Symbol('value'), useValue: new Named('value') },
    ]);
    expect(await hear(2)).toEqual(both('factory', 'value'));
  });

  it('do not break a start by values that throw when they are touched', async () => {
    const touch = (name: string): never => {
      throw new Error(`${name} was touched`);
    };
    class Parent {
      connection(): void {}
    }
    class Lazy extends Parent {
      get other(): string {
        return touch('other');
      }
    }
    Object.defineProperty(Lazy.prototype, 'connection', { get: () => touch('connection') });
    const refusing = new Proxy({}, { getPrototypeOf: () => touch('the prototype') });
    const prototype = new Proxy(
      { method() {} },
      { get: (_, key) => (key === 'method' ? touch(key) : undefined) },
    );
    const values = {
      lazy: new Lazy(),
      refusing,
      inheriting: Object.create(prototype) as object,
      bare: Object.create(null) as object,
      frozen: Object.freeze(new Named('frozen')),
    };
    await start(
      Object.entries(values).map(([provide, useValue]) => ({ provide, useFactory: () => useValue })),
    );
    expect(await hear(1)).toEqual(both('frozen'));
  });

  it('are called once where a factory returns what is a provider already', async () => {
    @Injectable()
    class Provided extends Base {
      protected readonly label = 'provided';
    }
    await start([
      { provide: 'chosen', useFactory: (one: Provided) => one, inject: [Provided] },
      { provide: 'alias', useExisting: Provided },
      Provided,
    ]);
    expect(await hear(1)).toEqual(both('provided'));
  });

  it('have the method of a base class each, and are refused where one of them would never be called', async () => {
    class One extends Base {
      protected readonly label = 'one';
    }
    class Two extends Base {
      protected readonly label = 'two';
    }
    await start([One, Two]);
    expect(await hear(2)).toEqual(both('one', 'two'));
    class OnceHere extends OnCluster {}
    class OnceThere extends OnCluster {}
    await expect(startOverMemory(OnceHere, OnceThere)).rejects.toThrow(
      '@OnSseEvent() of OnceThere.onEvent() has the name "OnCluster.onEvent" of another method on "a", that of OnceHere.onEvent()',
    );
    class Overriding extends OnCluster {
      @OnSseEvent('a', { once: 'cluster' })
      override onEvent(): void {}
    }
    await running?.close();
    await startOverMemory(OnceHere, Overriding);
    const values = [new OnceHere(), new OnceHere()].map((useValue, i) => ({ provide: `${i}`, useValue }));
    await expect(startOverMemory(...values)).rejects.toThrow(InvalidOptionsError);
  });

  it('are refused where Nest makes one for each class that needs it', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient extends OnCluster {}
    @Injectable()
    class Needs {
      constructor(@Inject(Transient) readonly transient: Transient) {}
    }
    await expect(startOverMemory(Transient, Needs)).rejects.toThrow(
      '@OnSseEvent() of Transient.onEvent() is of a class that Nest makes for each class that needs it',
    );
  });

  describe('in an application with several hubs', () => {
    const of = (...providers: Provider[]) => {
      @Module({ imports: [SseRedisModule.forRoot({ prefix: randomUUID() })], providers })
      class Part {}
      return Part;
    };

    it('are refused where a factory made them', async () => {
      const provided: Provider = { provide: 'factory', useFactory: () => new Named('factory') };
      await expect(start([], [of(), of(provided)])).rejects.toThrow('the application has several hubs');
    });

    it('have the hub of their module where a factory had Nest make them', async () => {
      @Injectable()
      class Made extends Base {
        protected readonly label = 'made';
      }
      const useFactory = (modules: ModuleRef) => modules.create(Made);
      const part = of({ provide: 'factory', useFactory, inject: [ModuleRef] });
      await start([], [of(), part]);
      const hub = running!.app.select(part).get(SseHub, { strict: false });
      await hub.publish('a', { data: 'last' });
      await until(() => heard.length > 0);
      expect(heard).toEqual(['made last']);
    });
  });
});
