import { jest } from '@jest/globals';
import { freePort, startApp, until, type RunningApp } from '@nestjs-sse-redis/testing';
import { ConsoleLogger, Controller, Inject, Injectable, Post, SetMetadata } from '@nestjs/common';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import {
  defineChannel,
  InvalidEventDataError,
  InvalidOptionsError,
  PublishTo,
  SseHub,
  SseRedisModule,
} from 'nestjs-sse-redis';
import { firstValueFrom, from, of, throwError, toArray, type Observable } from 'rxjs';
import { z } from 'zod';

const orders = defineChannel('order:{id}', { events: { paid: z.object({ amount: z.number().positive() }) } });
const board = defineChannel('board:{id}', { state: true });

@Injectable()
class Listeners {
  readonly heard: number[] = [];

  @SetMetadata('above', 1)
  @PublishTo('news', 'headline')
  @SetMetadata('below', 2)
  onHeadline(title: string) {
    this.heard.push(title.length);
    return { title };
  }

  @PublishTo((_, id: number) => orders({ id }), 'paid')
  onPaid(_id: number, amount: number): Promise<unknown> {
    return Promise.resolve({ amount });
  }

  @PublishTo('ticks')
  ticks(count: number): Observable<number> {
    return from(Array.from({ length: count }, (_, i) => i));
  }

  @PublishTo('news')
  filtered(text?: string): string | undefined {
    return text;
  }

  @PublishTo((text: string) => (text === 'secret' ? undefined : 'news'))
  chosen(text: string): string {
    return text;
  }

  @PublishTo('jobs', 'done', (_, id: string) => ({ idempotencyKey: id }))
  repeated(id: string, attempt: number): string {
    return `${id} at attempt ${attempt}`;
  }

  @PublishTo(() => board({ id: 1 }), 'moved', (_, key: string) => ({ key }))
  moved(_card: string, x: number) {
    return { x };
  }

  @PublishTo('typing', undefined, { ephemeral: true })
  typing(user: string): string {
    return user;
  }

  @PublishTo('news')
  failing(): Observable<never> {
    return throwError(() => new Error('of its own'));
  }
}

@Injectable()
class Derived extends Listeners {
  override chosen(text: string): string {
    return super.chosen(text.toUpperCase());
  }

  @PublishTo('news', 'of both')
  override filtered(text?: string): string | undefined {
    return super.filtered(text);
  }
}

@Controller()
class Announcements {
  @MessagePattern('announce')
  @PublishTo('news', 'announcement')
  announce(text: string): Observable<string> {
    return of(text);
  }
}

/** A method that returns a value returns a Promise of it once it is decorated. */
const published = <Result>(result: Result): Promise<Result> => Promise.resolve(result);

describe('@PublishTo()', () => {
  let running: RunningApp;
  let hub: SseHub;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    running = await startApp(
      {
        imports: [SseRedisModule.forRoot({ channels: [orders, board] })],
        providers: [Listeners, Derived],
        controllers: [Announcements],
      },
      'fastify',
      {
        // A refused event is logged.
        application: { logger: false },
        configure: async (app) => {
          app.connectMicroservice({ transport: Transport.TCP, options: { port } });
          await app.startAllMicroservices();
        },
      },
    );
    hub = running.app.get(SseHub);
  });
  afterAll(() => running.close());

  const lastOf = async (channel: string, limit = 1) => (await hub.history(channel, { limit })).events;

  it.each([Listeners, Derived])(
    'publishes what a method of %p returns, before its caller gets it',
    async (type) => {
      const listeners = running.app.get<Listeners>(type);
      expect(await published(listeners.onHeadline('Hello'))).toEqual({ title: 'Hello' });
      expect(listeners.heard).toEqual([5]);
      expect(await lastOf('news')).toMatchObject([{ type: 'headline', data: { title: 'Hello' } }]);
    },
  );

  it('publishes to a channel of the arguments, checked by its definition', async () => {
    const listeners = running.app.get(Listeners);
    expect(await listeners.onPaid(7, 12)).toEqual({ amount: 12 });
    expect(await lastOf('order:7')).toMatchObject([{ type: 'paid', data: { amount: 12 } }]);
    await expect(listeners.onPaid(7, -1)).rejects.toBeInstanceOf(InvalidEventDataError);
    expect(await lastOf('order:7', 5)).toHaveLength(1);
  });

  it('publishes each item of an Observable in order, once for each subscription', async () => {
    const items = await firstValueFrom(running.app.get(Listeners).ticks(20).pipe(toArray()));
    expect(items).toHaveLength(20);
    expect((await lastOf('ticks', 50)).map(({ data }) => data)).toEqual(items);
  });

  it('publishes nothing without a result, a channel or a success', async () => {
    const listeners = running.app.get(Listeners);
    const before = await lastOf('news', 50);
    expect(await published(listeners.filtered())).toBeUndefined();
    expect(await published(listeners.chosen('secret'))).toBe('secret');
    await expect(firstValueFrom(listeners.failing())).rejects.toThrow('of its own');
    expect(await lastOf('news', 50)).toEqual(before);
    expect(await published(listeners.filtered('told'))).toBe('told');
    expect(await lastOf('news')).toMatchObject([{ data: 'told' }]);
  });

  it('publishes what an override returns where it is decorated, and besides what the decorated method of the base class returns', async () => {
    const derived = running.app.get(Derived);
    const { length } = await lastOf('news', 100);
    expect(await published(derived.chosen('loud'))).toBe('LOUD');
    expect(await published(derived.filtered('twice'))).toBe('twice');
    const events = (await lastOf('news', 100)).slice(length);
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      [undefined, 'LOUD'],
      [undefined, 'twice'],
      ['of both', 'twice'],
    ]);
  });

  it('publishes with options, which may depend on the arguments', async () => {
    const listeners = running.app.get(Listeners);
    // As a job that is tried again.
    for (const attempt of [1, 2]) await published(listeners.repeated('job 7', attempt));
    expect((await lastOf('jobs', 5)).map(({ data }) => data)).toEqual(['job 7 at attempt 1']);
    for (const x of [1, 2]) await published(listeners.moved('card-3', x));
    expect(await lastOf('board:1')).toMatchObject([{ type: 'moved', key: 'card-3', data: { x: 2 } }]);
    await published(listeners.typing('ann'));
    expect(await lastOf('typing')).toEqual([]);
  });

  it('publishes the answer of a microservice, which its caller gets', async () => {
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { port } });
    expect(await firstValueFrom(client.send<string>('announce', 'over TCP'))).toBe('over TCP');
    await until(async () => (await lastOf('news'))[0]?.type === 'announcement');
    await client.close();
  });

  it('keeps what other decorators said of the method, above it and below', () => {
    const onHeadline = Reflect.get(Listeners.prototype, 'onHeadline') as { readonly name: string };
    expect(['above', 'below'].map((key) => Reflect.getMetadata(key, onHeadline) as unknown)).toEqual([1, 2]);
    expect(onHeadline.name).toBe('onHeadline');
  });

  it('refuses a definition, and a class that Nest did not make', () => {
    expect(() => PublishTo(orders as never)).toThrow(InvalidOptionsError);
    expect(() => new Listeners().onHeadline('x')).toThrow('finds no hub');
  });

  it.each([
    ['useFactory', { provide: 'made', useFactory: () => new Listeners() }],
    ['useValue', { provide: 'made', useValue: new Listeners() }],
  ])('logs that it refuses an instance of %s, since Nest logs no HttpException', async (way, provider) => {
    const errors: string[] = [];
    @Controller()
    class Caller {
      constructor(@Inject('made') private readonly made: Listeners) {}

      @Post()
      post() {
        return this.made.onHeadline('x');
      }
    }
    const logger = new ConsoleLogger();
    jest.spyOn(logger, 'error').mockImplementation((text: unknown) => void errors.push(String(text)));
    const other = await startApp(
      { imports: [SseRedisModule.forRoot({})], providers: [provider], controllers: [Caller] },
      'express',
      { application: { logger } },
    );
    const answer = await fetch(other.url, { method: 'POST' });
    await other.close();
    expect(await answer.json()).toMatchObject({ statusCode: 500, code: 'INVALID_OPTIONS' });
    expect(errors).toEqual([
      expect.stringMatching(new RegExp(`Listeners\\.onHeadline\\(\\) finds no hub.*${way}`)),
    ]);
  });
});
