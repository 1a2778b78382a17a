import {
  forEachAdapter,
  RedisServer,
  SseStream,
  startApp,
  TcpProxy,
  until,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { RedisUnavailableError, SseHub } from 'nestjs-sse-redis';
import { newsModule } from './news.app.js';

forEachAdapter((adapter) => {
  let redis: RedisServer;
  let running: RunningApp;
  let hub: SseHub;
  const streams: SseStream[] = [];

  async function start(url = redis.url): Promise<void> {
    running = await startApp(
      newsModule({
        redis: url,
        heartbeatInterval: 200,
        probeInterval: 500,
        publishTimeout: 3_000,
        retry: 100,
      }),
      adapter,
    );
    hub = running.app.get(SseHub);
  }

  function open(lastEventId?: string): SseStream {
    const stream = SseStream.open(`${running.url}/news`, { lastEventId });
    streams.push(stream);
    return stream;
  }

  async function opened(): Promise<SseStream> {
    const stream = open();
    await until(() => stream.lastEventId !== '');
    return stream;
  }

  /** Publishes as soon as Redis can be reached, once. */
  const publishSoon = (data: string) =>
    until(() => hub.publish('news', { data }, { idempotencyKey: data }).catch(() => undefined));

  /** The process knows that Redis is away. What it sends before it has read so has an unknown outcome. */
  const noticed = () =>
    until(() =>
      hub.publish('news', { data: 'never' }).then(
        () => false,
        (error: unknown) => error instanceof RedisUnavailableError,
      ),
    );

  beforeEach(async () => {
    redis = await RedisServer.start({ persistence: true });
  });
  afterEach(async () => {
    await Promise.all(streams.splice(0).map((stream) => stream.close()));
    await running.close();
    await redis.stop();
  });

  it('leaves streams open and alive while Redis is away, and loses nothing when it is back', async () => {
    await start();
    const stream = await opened();
    await hub.publish('news', { data: 'before' });
    await stream.waitFor(1);
    await redis.kill();
    await noticed();
    const beats = stream.blocks.length;
    await until(() => stream.blocks.length > beats + 1);
    await redis.restart();
    await publishSoon('after');
    expect((await stream.waitFor(2)).map(({ data }) => data)).toEqual(['before', 'after']);
    expect(stream.messages.some(({ type }) => type === 'gap')).toBe(false);
  });

  it('gives those who come meanwhile an answer that an EventSource survives', async () => {
    await start();
    await redis.kill();
    await noticed();
    const stream = open();
    expect(await stream.ended).toBe('end');
    expect(stream.status).toBe(200);
    expect(stream.retry).toBeGreaterThan(0);
    expect(stream.messages).toEqual([{ id: '', type: 'error', data: '{"code":"REDIS_UNAVAILABLE"}' }]);
    await redis.restart();
    await until(async () => {
      const again = open();
      await Promise.race([
        again.ended,
        again.waitForBlock(({ id }) => id !== undefined).catch(() => undefined),
      ]);
      return again.lastEventId !== '';
    });
  });

  it('catches up what was published while the subscription alone was away', async () => {
    const other = await TcpProxy.start({ target: redis.port });
    await start(`redis://127.0.0.1:${other.port}`);
    const stream = await opened();
    const publisher = await startApp(newsModule({ redis: redis.url }), adapter);
    try {
      await other.refuse(true);
      other.cut();
      await until(() =>
        hub.publish('news', { data: 'x' }).then(
          () => false,
          () => true,
        ),
      );
      const missed = await publisher.app.get(SseHub).publish('news', { data: 'missed' });
      await other.refuse(false);
      expect(await stream.waitFor(1)).toMatchObject([{ id: missed.id, data: 'missed' }]);
    } finally {
      await publisher.close();
      await other.stop();
    }
  });

  it('finds out that it hears nothing on a connection that is up, by its probe, and loses nothing', async () => {
    const proxy = await TcpProxy.start({ target: redis.port });
    await start(`redis://127.0.0.1:${proxy.port}`);
    const stream = await opened();
    try {
      // Deaf: the subscriber's connection stays open, answers nothing, and delivers nothing.
      const subscriber = proxy.connections.find(({ head }) => /subscribe\r\n/i.test(head));
      subscriber!.blackhole(true);
      const { id } = await hub.publish('news', { data: 'unheard' });
      expect(await stream.waitFor(1)).toMatchObject([{ id, data: 'unheard' }]);
    } finally {
      await proxy.stop();
    }
  });

  it('gives up a new connection that answers nothing from the beginning', async () => {
    const proxy = await TcpProxy.start({ target: redis.port });
    await start(`redis://127.0.0.1:${proxy.port}`);
    const stream = await opened();
    try {
      const before = new Set(proxy.connections);
      const made = () => proxy.connections.filter((connection) => !before.has(connection)).length;
      // The connections that come after the break are accepted and answer nothing; those after these are as they should be.
      proxy.blackhole(true);
      for (const connection of before) connection.cut();
      await until(() => made() >= 2);
      proxy.blackhole('existing');
      const { id } = await publishSoon('heard again');
      expect(await stream.waitFor(({ data }) => data === 'heard again')).toMatchObject({ id });
    } finally {
      await proxy.stop();
    }
  });

  it('tells of a gap when Redis comes back empty, then goes on', async () => {
    await start();
    const stream = await opened();
    await hub.publish('news', { data: 'before' });
    await stream.waitFor(1);
    await redis.restart({ empty: true });
    await publishSoon('after');
    const messages = await stream.waitFor(3);
    expect(messages.map(({ type, data }) => (type === 'gap' ? type : data))).toEqual([
      'before',
      'gap',
      'after',
    ]);
  });
});
