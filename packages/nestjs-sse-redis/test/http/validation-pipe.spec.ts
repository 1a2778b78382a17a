import { forEachAdapter, SseStream, startApp, until } from '@nestjs-sse-redis/testing';
import { Controller, Inject, Sse, ValidationPipe } from '@nestjs/common';
import { SseChannels, SseClient, SseHub, SseRedisModule } from 'nestjs-sse-redis';

@Controller()
class StreamsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @Sse('connected')
  connected(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }

  @Sse('decorated')
  @SseChannels('news')
  decorated(): void {}
}

@Controller('inherited')
class InheritingController extends StreamsController {}

it('SWC, which compiles the controllers of this file, gives Nest the decorator as the type of its parameter', () => {
  const types = Reflect.getMetadata(
    'design:paramtypes',
    StreamsController.prototype,
    'connected',
  ) as unknown[];
  expect(types).toEqual([SseClient]);
});

forEachAdapter((adapter) => {
  // An application takes the types away: each test gets them again, as a compiler does that defines them last.
  beforeEach(() => {
    Reflect.defineMetadata('design:paramtypes', [SseClient], StreamsController.prototype, 'connected');
  });

  it.each(['connected', 'decorated', 'inherited/connected'])(
    'streams under a global ValidationPipe that validates custom decorators (%s)',
    async (path) => {
      const { app, url, close } = await startApp(
        {
          module: class {},
          imports: [SseRedisModule.forRoot()],
          controllers: [InheritingController, StreamsController],
        },
        adapter,
        {
          configure: (application) =>
            void application.useGlobalPipes(
              new ValidationPipe({
                validateCustomDecorators: true,
                transform: true,
                whitelist: true,
                forbidNonWhitelisted: true,
                forbidUnknownValues: true,
              }),
            ),
        },
      );
      const stream = SseStream.open(`${url}/${path}`);
      const hub = app.get(SseHub);
      await until(() => hub.stats().connectionStates.live === 1);
      await hub.publish('news', { data: 'hello' });
      await stream.waitForBlock(({ message }) => message?.data === 'hello');
      await stream.close();
      await close();
    },
  );
});
