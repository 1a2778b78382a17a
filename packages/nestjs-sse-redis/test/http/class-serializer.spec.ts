import { forEachAdapter, SseStream, startApp, useRedis } from '@nestjs-sse-redis/testing';
import {
  ClassSerializerInterceptor,
  Controller,
  Inject,
  Sse,
  UseInterceptors,
  type MessageEvent,
} from '@nestjs/common';
import { Exclude, instanceToPlain } from 'class-transformer';
import { SseClient, SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';
import { map, ReplaySubject } from 'rxjs';

class Person {
  readonly name = 'Ann';

  @Exclude()
  readonly passwordHash = 's3cr3t';
}

const plain = { name: 'Ann' };
const leaked = { name: 'Ann', passwordHash: 's3cr3t' };

/** A team's endpoint before and after it moves to the hub. */
@Controller()
@UseInterceptors(ClassSerializerInterceptor)
class PeopleController {
  readonly subject = new ReplaySubject<MessageEvent>(1);

  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @Sse('before')
  before() {
    return this.subject;
  }

  @Sse('after')
  after(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'people', { rewind: 1 });
  }

  @Sse('mapped')
  mapped(@SseClient() client: SseClient) {
    return this.hub
      .connect(client, 'people', { rewind: 1 })
      .pipe(map(() => ({ data: 'an operator saw it' })));
  }

  @Sse('events')
  events() {
    return this.hub
      .events('people', { rewind: 1 })
      .pipe(map(({ id, data }) => ({ id, data: { mapped: data } })));
  }
}

const redis = useRedis();

forEachAdapter((adapter) => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
    await redis.cli('FLUSHALL');
  });

  /** Starts the application with one person published, and returns what a client of a path gets. */
  async function start(options: SseRedisOptions): Promise<(path: string) => Promise<unknown>> {
    const { app, url, close } = await startApp(
      {
        imports: [SseRedisModule.forRoot({ redis: redis.url, ...options })],
        controllers: [PeopleController],
      },
      adapter,
      { application: { logger: false } },
    );
    closing.push(close);
    app.get(PeopleController).subject.next({ data: new Person() });
    await app.get(SseHub).publish('people', { data: new Person() });
    return async (path) => {
      const stream = SseStream.open(`${url}/${path}`);
      closing.push(() => stream.close());
      const { data } = await stream.waitFor(({ data }) => data !== '');
      return JSON.parse(data) as unknown;
    };
  }

  it('hides excluded fields where the Observable is the application’s own', async () => {
    const read = await start({});
    // Nest's interceptor sees a MessageEvent, in which the person lies.
    expect(await read('before')).toEqual(plain);
  });

  it('sends excluded fields of events of the hub, and no operator sees them, without serialize', async () => {
    const read = await start({});
    expect(await read('after')).toEqual(leaked);
    expect(await read('mapped')).toEqual(leaked);
  });

  it('hides excluded fields of events of the hub with serialize', async () => {
    const read = await start({ serialize: (data) => instanceToPlain(data) });
    expect(await read('after')).toEqual(plain);
    expect(await read('mapped')).toEqual(plain);
  });

  it('lets operators transform the events of hub.events()', async () => {
    const read = await start({});
    expect(await read('events')).toEqual({ mapped: leaked });
  });
});
