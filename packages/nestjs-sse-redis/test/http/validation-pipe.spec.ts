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

/** As SWC compiles it, and Jest here with it: the decorator itself is the type of the parameter. */
function compiledBySwc(): typeof StreamsController {
  const types = Reflect.getMetadata(
    'design:paramtypes',
    StreamsController.prototype,
    'connected',
  ) as unknown[];
  expect(types).toEqual([Object]);
  return StreamsController;
}

forEachAdapter((adapter) => {
  it.each(['connected', 'decorated'])(
    'streams under a global ValidationPipe that validates custom decorators (%s)',
    async (path) => {
      const { app, url, close } = await startApp(
        { module: class {}, imports: [SseRedisModule.forRoot()], controllers: [compiledBySwc()] },
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
