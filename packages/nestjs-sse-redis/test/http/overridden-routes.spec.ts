import { forEachAdapter, SseStream, startApp } from '@nestjs-sse-redis/testing';
import { Controller, Get, Inject, Query, Sse, ValidationPipe } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { IsOptional, IsString } from 'class-validator';
import { SseChannels, SseClient, SseHub, SseRedisModule, SseSnapshot } from 'nestjs-sse-redis';

class Filter {
  @IsOptional()
  @IsString()
  user?: string | undefined;
}

abstract class BaseController {
  constructor(@Inject(SseHub) readonly hub: SseHub) {}

  @Sse('inherited')
  inherited(@SseClient() client: SseClient): unknown {
    return this.hub.connect(client, 'news');
  }

  @Sse('connected')
  @SseChannels('news')
  connected(): unknown {
    return undefined;
  }

  @Sse('decorated')
  @SseChannels('news')
  decorated(): void {}

  @Sse('filtered')
  filtered(@SseClient() client: SseClient): unknown {
    return this.hub.connect(client, 'news');
  }

  @Get('snapshot')
  @SseSnapshot()
  snapshot(): unknown {
    return undefined;
  }
}

let given: string | undefined;

/** Short: a test that shows a whole request runs out of memory. */
function describeData(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return 'topic' in value ? `topic ${String(value.topic)}` : 'no data';
}

@Controller()
class OverridingController extends BaseController {
  @Sse('connected')
  override connected(@SseClient() client?: SseClient): unknown {
    return this.hub.connect(client!, 'news');
  }

  @Sse('decorated')
  @SseChannels('news')
  override decorated(@Query('topic') topic?: string): void {
    given = describeData(topic);
  }

  @Sse('filtered')
  override filtered(@Query() filter: unknown, @SseClient() client?: SseClient): unknown {
    given = describeData(filter);
    return this.hub.connect(client!, 'news');
  }

  @Get('snapshot')
  override snapshot(@Query('topic') topic?: string): unknown {
    return { topic };
  }
}

@Controller()
class ValidatingController extends BaseController {
  @Sse('filtered')
  @SseChannels('news')
  override filtered(@Query() filter: Filter): void {
    given = describeData(filter);
  }
}

/** As the decorators of Nest 11 leave it: parameters of the overridden method stay, in places that the override may use otherwise. */
function addInheritedParameters(controller: typeof OverridingController): void {
  for (const method of Object.getOwnPropertyNames(controller.prototype)) {
    const own = Reflect.getOwnMetadata(ROUTE_ARGS_METADATA, controller, method) as object | undefined;
    const inherited = Reflect.getMetadata(ROUTE_ARGS_METADATA, BaseController, method) as object | undefined;
    if (own) Reflect.defineMetadata(ROUTE_ARGS_METADATA, { ...inherited, ...own }, controller, method);
  }
}

forEachAdapter((adapter) => {
  beforeEach(() => {
    given = undefined;
    addInheritedParameters(OverridingController);
  });

  it.each([
    { route: 'inherited', argument: undefined },
    { route: 'connected', argument: undefined },
    { route: 'decorated', argument: 'sports' },
    { route: 'filtered', argument: 'topic sports' },
  ])('gives an override its own parameters, and streams ($route)', async ({ route, argument }) => {
    const { app, url, close } = await startApp(
      { imports: [SseRedisModule.forRoot()], controllers: [OverridingController] },
      adapter,
    );
    const stream = SseStream.open(`${url}/${route}?topic=sports`);
    await stream.waitForBlock(({ id }) => id !== undefined);
    await app.get(SseHub).publish('news', { data: 'hello' });
    await stream.waitForBlock(({ message }) => message?.data === 'hello');
    expect(given).toBe(argument);
    await stream.close();
    await close();
  });

  it('sends no cursor of the overridden method, and gives the override its own parameter', async () => {
    const { url, close } = await startApp(
      { imports: [SseRedisModule.forRoot()], controllers: [OverridingController] },
      adapter,
    );
    const response = await fetch(`${url}/snapshot?topic=sports`);
    expect(response.headers.get('sse-cursor')).toBeNull();
    expect(await response.json()).toEqual({ topic: 'sports' });
    await close();
  });

  it('validates data that an override takes where the overridden method takes its client', async () => {
    const { url, close } = await startApp(
      { imports: [SseRedisModule.forRoot()], controllers: [ValidatingController] },
      adapter,
      {
        configure: (app) =>
          void app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true })),
      },
    );
    const response = await fetch(`${url}/filtered?other=1`);
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ message: ['property other should not exist'] }),
    ]);
    expect(given).toBeUndefined();
    await close();
  });
});
