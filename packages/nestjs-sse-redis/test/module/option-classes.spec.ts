import { forEachAdapter, SseStream, startApp, until } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { Controller, Inject, Injectable, Logger, Module, Scope, Sse } from '@nestjs/common';
import {
  SseClient,
  SseHub,
  SseRedisModule,
  type AuthorizedClient,
  type SseAuthorizer,
  type SseIdentifier,
} from 'nestjs-sse-redis';

/** A service that publishes, and knows who may read: it injects the hub, whose option it is. */
@Injectable()
class OrdersService implements SseAuthorizer {
  constructor(@Inject(SseHub) readonly hub: SseHub) {}

  authorize({ user }: AuthorizedClient, channel: string): boolean {
    return user === 'ann' && channel === 'order:1';
  }
}

@Injectable()
class HeaderIdentifier implements SseIdentifier {
  static made = 0;

  constructor() {
    HeaderIdentifier.made++;
  }

  async identify(request: { headers: Record<string, string> }): Promise<string | undefined> {
    await Promise.resolve();
    return request.headers['x-user'];
  }
}

@Controller()
class OrdersController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @Sse('orders')
  orders(@SseClient() client: SseClient) {
    return this.hub.connect(client, ['order:1', 'order:2']);
  }
}

@Module({ providers: [OrdersService], controllers: [OrdersController], exports: [OrdersService] })
class OrdersModule {}

forEachAdapter((adapter) => {
  it.each([
    { way: 'forRoot', module: () => SseRedisModule.forRoot({ isGlobal: true, ...classes }) },
    {
      way: 'forRootAsync',
      module: () => SseRedisModule.forRootAsync({ isGlobal: true, useFactory: () => classes }),
    },
  ])('asks classes of the application that inject the hub ($way)', async ({ module }) => {
    HeaderIdentifier.made = 0;
    const { app, url, close } = await startApp(
      { module: class {}, imports: [module(), OrdersModule] },
      adapter,
    );
    const streams = ['ann', 'bob'].map((user) =>
      SseStream.open(`${url}/orders`, { headers: { 'x-user': user } }),
    );
    const [ann, bob] = streams as [SseStream, SseStream];
    await bob.waitForBlock(({ message }) => message?.data.includes('FORBIDDEN_CHANNEL') === true);
    await ann.waitForBlock(
      ({ message }) => message?.data === '{"code":"FORBIDDEN_CHANNEL","channel":"order:2"}',
    );
    await app.get(OrdersService).hub.publish('order:1', { data: 'paid' });
    await ann.waitForBlock(({ message }) => message?.data === 'paid');
    await until(() => app.get(SseHub).stats().connections === 1);
    expect(HeaderIdentifier.made).toBe(1);
    await close();
  });
});

const classes = { authorize: { useExisting: OrdersService }, identify: { useClass: HeaderIdentifier } };

@Injectable({ scope: Scope.REQUEST })
class ScopedAuthorizer implements SseAuthorizer {
  authorize(): boolean {
    return true;
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedIdentifier implements SseIdentifier {
  identify(): string {
    return 'ann';
  }
}

@Injectable()
class DependentAuthorizer implements SseAuthorizer {
  constructor(@Inject(ScopedAuthorizer) private readonly scoped: ScopedAuthorizer) {}

  authorize(): boolean {
    return this.scoped.authorize();
  }
}

it.each([ScopedAuthorizer, DependentAuthorizer])(
  'refuses a stream, and says why, where useExisting names a class that is made for each request (%p)',
  async (useExisting) => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    const { url, close } = await startApp(
      {
        module: class {},
        imports: [
          SseRedisModule.forRoot({ isGlobal: true, identify: () => 'ann', authorize: { useExisting } }),
          OrdersModule,
        ],
        providers: [ScopedAuthorizer, DependentAuthorizer],
      },
      'express',
    );
    const stream = SseStream.open(`${url}/orders`);
    await stream.waitForBlock(({ message }) => message?.data.includes('AUTHORIZATION_FAILED') === true);
    const [failure] = error.mock.calls.map(([failed]) => failed as { cause?: unknown });
    expect(String(failure!.cause)).toContain(`useExisting names ${useExisting.name}, which is made anew`);
    error.mockRestore();
    await stream.close();
    await close();
  },
);

it('logs why a stream is answered 500 where identify names a class that is made for each request', async () => {
  const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
  const { url, close } = await startApp(
    {
      module: class {},
      imports: [
        SseRedisModule.forRoot({ isGlobal: true, identify: { useExisting: ScopedIdentifier } }),
        OrdersModule,
      ],
      providers: [ScopedIdentifier],
    },
    'express',
  );
  const { status } = await fetch(`${url}/orders`);
  const logged = error.mock.calls.map(([failed]) => String(failed));
  error.mockRestore();
  expect([status, logged]).toEqual([
    500,
    [expect.stringContaining('useExisting names ScopedIdentifier, which is made anew')],
  ]);
  await close();
});
