import { startApp } from '@nestjs-sse-redis/testing';
import { Controller, Inject, Injectable, Module, Post, Scope, type InjectionToken } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { InvalidOptionsError, SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';
import { failureOf } from '../hub/hubs.js';

class Settings {
  createSseRedisOptions = (): SseRedisOptions => ({ redis: 'embedded' });
}

@Injectable({ scope: Scope.REQUEST })
class RequestSettings extends Settings {}

@Injectable({ scope: Scope.REQUEST, durable: true })
class DurableSettings extends Settings {}

@Injectable({ scope: Scope.TRANSIENT })
class TransientSettings extends Settings {}

@Injectable()
class DependentSettings extends Settings {
  constructor(@Inject(REQUEST) readonly request: unknown) {
    super();
  }
}

const settings = [RequestSettings, DurableSettings, TransientSettings, DependentSettings];
@Module({ providers: settings, exports: settings })
class SettingsModule {}

@Controller('news')
class NewsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @Post()
  post() {
    return this.hub.publish('news', { data: 1 });
  }
}

const start = (options: Parameters<typeof SseRedisModule.forRootAsync>[0]) =>
  startApp({ imports: [SseRedisModule.forRootAsync(options)], controllers: [NewsController] }, 'express', {
    application: { logger: false, abortOnError: false },
  });

const byFactory = (token: InjectionToken) => ({
  imports: [SettingsModule],
  inject: [token],
  useFactory: (): SseRedisOptions => ({ redis: 'embedded' }),
});

describe('the start of a hub with forRootAsync()', () => {
  it.each([
    ['a factory injects the request', byFactory(REQUEST)],
    ['a factory injects a class of each request', byFactory(RequestSettings)],
    ['a factory injects a durable class', byFactory(DurableSettings)],
    ['a factory injects a class that injects the request', byFactory(DependentSettings)],
    ['useClass names a class of each request', { useClass: RequestSettings }],
    ['useExisting names one', { imports: [SettingsModule], useExisting: RequestSettings }],
  ])('is refused where %s, since there would be a hub for each request', async (_case, options) => {
    const error = await failureOf(start(options));
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.message).toMatch(/for each request.*All requests share one hub/);
  });

  it('succeeds where a factory injects a class that Nest makes for each user of it', async () => {
    const { url, close } = await start(byFactory(TransientSettings));
    expect((await fetch(`${url}/news`, { method: 'POST' })).status).toBe(201);
    await close();
  });
});
