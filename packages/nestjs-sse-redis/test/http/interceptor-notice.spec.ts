import { forEachAdapter, startApp, type RunningApp, type StartAppOptions } from '@nestjs-sse-redis/testing';
import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Query,
  Scope,
  Sse,
  StandardSchemaSerializerInterceptor,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type LoggerService,
  type ModuleMetadata,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory, Reflector } from '@nestjs/core';
import { SseChannels, SseClient, SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';
import { NEVER } from 'rxjs';

@Injectable()
class LoggingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle();
  }
}

@Injectable()
class TimingInterceptor extends LoggingInterceptor {}

@Injectable({ scope: Scope.REQUEST })
class RequestInterceptor extends LoggingInterceptor {}

@Injectable()
class OwnSerializer extends ClassSerializerInterceptor {}

@Controller()
class NewsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @Sse('news')
  stream(@SseClient() client: SseClient, @Query('rewind') _rewind?: string) {
    return this.hub.connect(client, 'news');
  }
}

@Controller()
class ProgressController {
  @Sse('progress')
  @SseChannels('progress')
  progress(): void {}
}

/** What is no stream of the hub. */
@Controller()
class OtherController {
  @Sse('ticks')
  ticks() {
    return NEVER;
  }

  @Get('client')
  client(@SseClient() client: SseClient) {
    return { user: client.user };
  }

  @Get('plain')
  plain() {
    return {};
  }
}

const BLIND = 'interceptors and operators do not see the events of the hub.';
const ADVICE = `${BLIND} To transform what is published, set the serialize option of SseRedisModule, or make a stream of hub.events().`;
const SERIALIZED = `${BLIND} The serialize option transforms them.`;

function leak(labels: string): string {
  return `${BLIND} Fields that ${labels} would hide reach the clients. Set the serialize option of SseRedisModule, such as serialize: (data) => instanceToPlain(data).`;
}

/** The lines of the hub, with their level. */
class Log implements LoggerService {
  readonly lines: string[] = [];

  log(message: string, context?: string): void {
    this.#keep('log', message, context);
  }

  warn(message: string, context?: string): void {
    this.#keep('warn', message, context);
  }

  error(message: string, ...rest: unknown[]): void {
    this.#keep('error', message, String(rest.at(-1)));
  }

  #keep(level: string, message: string, context: string | undefined): void {
    if (context === 'SseHub') this.lines.push(`${level}: ${message}`);
  }
}

const CONTROLLERS = [NewsController, ProgressController, OtherController];

forEachAdapter((adapter) => {
  let running: RunningApp | undefined;
  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  /** What the hub logs while an application starts. */
  async function linesOf(
    metadata: ModuleMetadata & { options?: SseRedisOptions },
    configure?: StartAppOptions['configure'],
  ): Promise<string[]> {
    const { options, imports = [SseRedisModule.forRoot(options)], ...rest } = metadata;
    const logger = new Log();
    running = await startApp({ imports, ...rest }, adapter, {
      application: { logger },
      ...(configure && { configure }),
    });
    return logger.lines;
  }

  it('logs nothing where no interceptor is bound', async () => {
    expect(await linesOf({ controllers: CONTROLLERS })).toEqual([]);
  });

  it('logs a line for each stream route under an interceptor of app.useGlobalInterceptors()', async () => {
    const lines = await linesOf({ controllers: CONTROLLERS }, (app) => {
      app.useGlobalInterceptors(new LoggingInterceptor());
    });
    expect(lines).toEqual([
      `log: NewsController.stream has LoggingInterceptor (global): ${ADVICE}`,
      `log: ProgressController.progress has LoggingInterceptor (global): ${ADVICE}`,
    ]);
  });

  it.each([
    ['useClass', { useClass: LoggingInterceptor }, 'LoggingInterceptor'],
    ['useValue', { useValue: new LoggingInterceptor() }, 'LoggingInterceptor'],
    ['useFactory', { useFactory: () => new TimingInterceptor() }, 'TimingInterceptor'],
    ['a request-scoped useClass', { useClass: RequestInterceptor }, 'RequestInterceptor'],
    [
      'a request-scoped useFactory',
      { scope: Scope.REQUEST, useFactory: () => new LoggingInterceptor() },
      'APP_INTERCEPTOR',
    ],
    ['an object', { useValue: { intercept: () => NEVER } }, 'an interceptor without a class'],
  ])('logs a line for each stream route under an APP_INTERCEPTOR with %s', async (_, provider, name) => {
    const providers = [{ provide: APP_INTERCEPTOR, ...provider }];
    expect(await linesOf({ controllers: CONTROLLERS, providers })).toEqual([
      `log: NewsController.stream has ${name} (global): ${ADVICE}`,
      `log: ProgressController.progress has ${name} (global): ${ADVICE}`,
    ]);
  });

  it('names an interceptor that a controller binds, as a class or as an instance', async () => {
    @UseInterceptors(LoggingInterceptor, new TimingInterceptor())
    @Controller()
    class BoundController extends NewsController {}
    expect(await linesOf({ controllers: [BoundController, ProgressController] })).toEqual([
      `log: BoundController.stream has LoggingInterceptor (controller), TimingInterceptor (controller): ${ADVICE}`,
    ]);
  });

  it('names an interceptor that a method binds, on its route alone', async () => {
    @Controller()
    class MethodsController {
      @Sse('one')
      @UseInterceptors(LoggingInterceptor)
      @SseChannels('one')
      one(): void {}

      @Sse('other')
      @SseChannels('other')
      other(): void {}
    }
    expect(await linesOf({ controllers: [MethodsController] })).toEqual([
      `log: MethodsController.one has LoggingInterceptor (method): ${ADVICE}`,
    ]);
  });

  it('logs one line for a route with several interceptors, in the order of their calls', async () => {
    @UseInterceptors(TimingInterceptor)
    @Controller({ scope: Scope.REQUEST })
    class BusyController {
      constructor(@Inject(SseHub) readonly hub: SseHub) {}

      @Sse('busy')
      @UseInterceptors(RequestInterceptor)
      stream(@SseClient() client: SseClient) {
        return this.hub.connect(client, 'busy');
      }
    }
    const lines = await linesOf({ controllers: [BusyController] }, (app) => {
      app.useGlobalInterceptors(new LoggingInterceptor());
    });
    expect(lines).toEqual([
      `log: BusyController.stream has LoggingInterceptor (global), TimingInterceptor (controller), RequestInterceptor (method): ${ADVICE}`,
    ]);
  });

  it.each([
    ['ClassSerializerInterceptor', ClassSerializerInterceptor],
    ['StandardSchemaSerializerInterceptor', StandardSchemaSerializerInterceptor],
    ['OwnSerializer', OwnSerializer],
  ])('warns under %s that fields leak, and logs where serialize is set', async (name, serializer) => {
    const metadata = { controllers: [NewsController] };
    const configure: StartAppOptions['configure'] = (app) => {
      app.useGlobalInterceptors(new LoggingInterceptor(), new serializer(app.get(Reflector)));
    };
    const both = `NewsController.stream has LoggingInterceptor (global), ${name} (global)`;
    expect(await linesOf(metadata, configure)).toEqual([`warn: ${both}: ${leak(`${name} (global)`)}`]);
    await running?.close();
    const options: SseRedisOptions = { serialize: (data) => data };
    expect(await linesOf({ ...metadata, options }, configure)).toEqual([`log: ${both}: ${SERIALIZED}`]);
  });

  it('logs each route once where several hubs serve the application, by the options of its own hub', async () => {
    @Module({
      imports: [SseRedisModule.forRoot({ prefix: 'one', serialize: (data) => data })],
      controllers: [NewsController],
    })
    class One {}
    @Module({
      imports: [SseRedisModule.forRoot({ prefix: 'other' })],
      controllers: [ProgressController],
    })
    class Other {}
    const lines = await linesOf({ imports: [One, Other] }, (app) => {
      app.useGlobalInterceptors(new LoggingInterceptor());
    });
    expect(lines.toSorted()).toEqual([
      `log: NewsController.stream has LoggingInterceptor (global): ${SERIALIZED}`,
      `log: ProgressController.progress has LoggingInterceptor (global): ${ADVICE}`,
    ]);
  });

  it('logs the routes of modules that a global hub serves', async () => {
    @Module({ controllers: [NewsController] })
    class Feature {}
    const imports = [SseRedisModule.forRoot({ isGlobal: true }), Feature];
    const lines = await linesOf({ imports }, (app) => {
      app.useGlobalInterceptors(new LoggingInterceptor());
    });
    expect(lines).toEqual([`log: NewsController.stream has LoggingInterceptor (global): ${ADVICE}`]);
  });
});

it('logs nothing in an application without HTTP', async () => {
  @UseInterceptors(LoggingInterceptor)
  @Controller()
  class BoundController extends NewsController {}
  @Module({ imports: [SseRedisModule.forRoot()], controllers: [BoundController] })
  class Worker {}
  const logger = new Log();
  const context = await NestFactory.createApplicationContext(Worker, { logger });
  await context.close();
  expect(logger.lines).toEqual([]);
});
