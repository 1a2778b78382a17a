import {
  forEachAdapter,
  SseStream,
  startApp,
  until,
  type RunningApp,
  useRedis,
} from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { InvalidChannelError, SseHub, type SseRedisOptions } from 'nestjs-sse-redis';
import { DISMISSED_ID } from '../../src/event/position.js';
import { newsModule } from './news.app.js';

const ID = /^\d+-\d+$/;

const redis = useRedis();

forEachAdapter((adapter) => {
  describe.each([{ broker: 'redis' }, { broker: 'memory' }])('over the $broker broker', ({ broker }) => {
    let running: RunningApp;
    let hub: SseHub;
    const streams: SseStream[] = [];

    async function start(
      options: SseRedisOptions = {},
      configure?: Parameters<typeof startApp>[2],
    ): Promise<void> {
      running = await startApp(
        newsModule({ prefix: randomUUID(), ...(broker === 'redis' && { redis: redis.url }), ...options }),
        adapter,
        configure,
      );
      hub = running.app.get(SseHub);
    }

    function open(path: string, options?: Parameters<typeof SseStream.open>[1]): SseStream {
      const stream = SseStream.open(running.url + path, options);
      streams.push(stream);
      return stream;
    }

    /** A stream that has begun: the client knows where it stands, so whatever is published from now on is for it. */
    async function opened(path: string, options?: Parameters<typeof SseStream.open>[1]): Promise<SseStream> {
      const stream = open(path, options);
      await stream.opened;
      await until(() => stream.lastEventId !== '' && stream.blocks.some(({ id }) => id !== undefined));
      return stream;
    }

    afterEach(async () => {
      await Promise.all(streams.splice(0).map((stream) => stream.close()));
      await running.close();
    });

    it('sends the position and a retry time first, then what is published', async () => {
      await start();
      const stream = await opened('/news');
      expect(stream.headers['content-type']).toBe('text/event-stream');
      expect(stream.lastEventId).toMatch(ID);
      expect(stream.retry).toBeGreaterThanOrEqual(1_000);
      expect(stream.retry).toBeLessThanOrEqual(3_000);
      const { id } = await hub.publish('news', { type: 'article', data: { title: 'Hello' } });
      const [message] = await stream.waitFor(1);
      expect(message).toEqual({ id, type: 'article', data: '{"title":"Hello"}' });
    });

    it('gives each connection a retry time of its own', async () => {
      await start();
      const opening = Array.from({ length: 20 }, () => opened('/news'));
      const times = new Set((await Promise.all(opening)).map(({ retry }) => retry));
      expect(times.size).toBeGreaterThan(5);
    });

    it('resumes after Last-Event-ID, without hole or duplicate', async () => {
      await start();
      const first = await opened('/news');
      const ids: string[] = [];
      for (let i = 0; i < 3; i++) ids.push((await hub.publish('news', { data: i })).id);
      await first.waitFor(3);
      await first.close();
      for (let i = 3; i < 6; i++) ids.push((await hub.publish('news', { data: i })).id);
      const second = open('/news', { lastEventId: ids[2] });
      await second.waitFor(3);
      ids.push((await hub.publish('news', { data: 6 })).id);
      expect((await second.waitFor(4)).map(({ id }) => id)).toEqual(ids.slice(3));
    });

    it('resumes by the lastEventId query parameter; the header goes before it', async () => {
      await start();
      const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((data) => hub.publish('news', { data })));
      const byQuery = open(`/news?lastEventId=${a!.id}`);
      expect((await byQuery.waitFor(2)).map(({ data }) => data)).toEqual(['b', 'c']);
      const both = open(`/news?lastEventId=${a!.id}`, { lastEventId: b!.id });
      expect((await both.waitFor(1)).map(({ id }) => id)).toEqual([c!.id]);
    });

    it('resumes after the last id of a query that names several, and knows there who was dismissed', async () => {
      await start();
      const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((data) => hub.publish('news', { data })));
      const stream = open(`/news?lastEventId=${a!.id}&lastEventId=${b!.id}&lastEventId=`);
      expect((await stream.waitFor(1)).map(({ id }) => id)).toEqual([c!.id]);
      const dismissed = await fetch(`${running.url}/news?lastEventId=${a!.id}&lastEventId=${DISMISSED_ID}`);
      expect(dismissed.status).toBe(204);
    });

    it('resumes a client that never got an event, from the position alone', async () => {
      await start();
      const first = await opened('/news');
      const { lastEventId } = first;
      await first.close();
      await hub.publish('news', { data: 'missed' });
      const second = open('/news', { lastEventId });
      expect((await second.waitFor(1))[0]!.data).toBe('missed');
    });

    it('goes on from the cursor of a snapshot', async () => {
      await start();
      const { cursor } = (await (await fetch(`${running.url}/snapshot`)).json()) as { cursor: string };
      await hub.publish('news', { data: 'between' });
      const stream = open(`/news?lastEventId=${cursor}`);
      expect((await stream.waitFor(1))[0]!.data).toBe('between');
    });

    it('rewinds newcomers, over several channels together, and not those that come back', async () => {
      await start();
      const ids: string[] = [];
      for (let i = 0; i < 10; i++) ids.push((await hub.publish(i % 2 ? 'a' : 'b', { data: i })).id);
      const newcomer = open('/streams?channels=a,b&rewind=4');
      expect((await newcomer.waitFor(4)).map(({ id }) => id)).toEqual(ids.slice(6));
      const returning = open('/streams?channels=a,b&rewind=4', { lastEventId: ids[8] });
      expect((await returning.waitFor(1)).map(({ id }) => id)).toEqual(ids.slice(9));
      expect([...newcomer.messages, ...returning.messages].some(({ type }) => type === 'gap')).toBe(false);
    });

    it('keeps several channels in one order on one cursor', async () => {
      await start();
      const channels = Array.from({ length: 300 }, (_, i) => `c${i}`);
      const path = `/streams?channels=${channels.join(',')}`;
      const live = await opened(path);
      const { lastEventId } = live;
      const results = await hub.publishMany(
        Array.from({ length: 900 }, (_, i) => ({ channel: channels[(i * 7) % 300]!, data: i })),
      );
      const ids = results.map((result) => ('id' in result ? result.id : String(result.error)));
      expect((await live.waitFor(900)).map(({ id }) => id)).toEqual(ids);
      const resumed = open(path, { lastEventId });
      expect((await resumed.waitFor(900)).map(({ id }) => id)).toEqual(ids);
    });

    it('catches up with more than fits into one reading', async () => {
      await start({ history: { maxLength: 3_000 } });
      const { lastEventId } = await opened('/streams?channels=a,b');
      const results = await hub.publishMany(
        Array.from({ length: 2_000 }, (_, i) => ({
          channel: i % 3 ? 'a' : 'b',
          data: 'x'.repeat(i % 100 === 0 ? 50_000 : 10),
        })),
      );
      const stream = open('/streams?channels=a,b', { lastEventId });
      const ids = (await stream.waitFor(2_000)).map(({ id }) => id);
      expect(ids).toEqual(results.map((result) => ('id' in result ? result.id : '')));
    });

    it('tells of a gap when the history has been trimmed, then goes on with what is left', async () => {
      await start({ history: { maxLength: 10 } });
      const [first] = await hub.publishMany(
        Array.from({ length: 300 }, (_, i) => ({ channel: 'news', data: i })),
      );
      const from = (first as { id: string }).id;
      const stream = open('/news', { lastEventId: from });
      await stream.waitFor(({ data }) => data === '299');
      const [gap, ...rest] = stream.messages;
      expect(gap).toMatchObject({ type: 'gap', id: from });
      expect(JSON.parse(gap!.data)).toEqual({
        channel: 'news',
        from,
        to: expect.stringMatching(ID) as string,
      });
      expect(rest.map(({ data }) => Number(data))).toEqual(
        Array.from({ length: rest.length }, (_, i) => 300 - rest.length + i),
      );
      expect(rest.length).toBeLessThan(299);
    });

    it.each(['1', 'not an id', '9999999999999-0', '123-456-789', '1-5000'])(
      'tells a client with the foreign id %j of a gap, and serves it from now on',
      async (lastEventId) => {
        await start();
        await hub.publish('news', { data: 'before' });
        const stream = open('/news', { lastEventId });
        const [gap] = await stream.waitFor(1);
        expect(gap).toMatchObject({ type: 'gap' });
        expect(gap!.id).toMatch(ID);
        const { id } = await hub.publish('news', { data: 'after' });
        const [, message] = await stream.waitFor(2);
        expect(message).toMatchObject({ id, data: 'after' });
      },
    );

    it('renews the position with each heartbeat', async () => {
      await start({ heartbeatInterval: 100, probeInterval: 250 });
      const stream = await opened('/news');
      const before = stream.lastEventId;
      await stream.waitForBlock(({ id }) => id !== undefined && id !== before);
      expect(stream.messages).toHaveLength(0);
    });

    it('answers guards, filters and bad channels with a status, before any stream', async () => {
      await start();
      const statusOf = async (path: string, headers = {}) => {
        const response = await fetch(running.url + path, { headers });
        await response.body?.cancel();
        return response.status;
      };
      expect(await statusOf('/mine')).toBe(401);
      expect(await statusOf('/orders/forbidden/progress')).toBe(403);
      expect(await statusOf(`/streams?channels=${encodeURIComponent('a\nb')}`)).toBe(400);
      expect(await statusOf(`/streams?channels=${'x'.repeat(257)}`)).toBe(400);
      expect(await statusOf('/streams?channels=')).toBe(400);
      expect(await statusOf('/orders/%0Aevil/progress')).toBe(400);
      expect(hub.stats()).toMatchObject({ connections: 0, channels: 0 });
    });

    it('knows the user, and keeps what is for one from the other', async () => {
      await start();
      const [ann, bob] = await Promise.all([
        opened('/mine', { headers: { 'x-user': 'ann' } }),
        opened('/mine', { headers: { 'x-user': 'bob' } }),
      ]);
      await hub.publish('user:ann', { data: 'for ann' });
      await hub.publish('user:bob', { data: 'for bob' });
      await hub.publish('news', { data: 'for both' });
      const dataOf = async (stream: SseStream) => (await stream.waitFor(2)).map(({ data }) => data);
      expect(await dataOf(ann)).toEqual(['for ann', 'for both']);
      expect(await dataOf(bob)).toEqual(['for bob', 'for both']);
    });

    it('takes identify, also asynchronous', async () => {
      await start({ identify: (request) => Promise.resolve(Number(request.headers['x-account'])) });
      const stream = await opened('/mine', { headers: { 'x-user': 'ann', 'x-account': '7' } });
      await hub.publish('user:7', { data: 'for account 7' });
      expect((await stream.waitFor(1))[0]!.data).toBe('for account 7');
    });

    it('streams the channels of @SseChannels()', async () => {
      await start();
      const stream = await opened('/orders/7/progress');
      await hub.publish('order:8', { data: 'other' });
      await hub.publish('order:7', { type: 'step', data: { percent: 50 } });
      expect(await stream.waitFor(1)).toMatchObject([{ type: 'step', data: '{"percent":50}' }]);
    });

    it('lets ephemeral events reach who is there, and nobody who comes back', async () => {
      await start();
      const stream = await opened('/news');
      const { lastEventId } = stream;
      await hub.publish('news', { type: 'typing', data: 'ann' }, { ephemeral: true });
      await hub.publish('news', { data: 'said' });
      expect((await stream.waitFor(2)).map(({ type }) => type)).toEqual(['typing', 'message']);
      const back = open('/news', { lastEventId });
      expect((await back.waitFor(1)).map(({ data }) => data)).toEqual(['said']);
    });

    it('forgets a connection that was closed, and leaves its channels', async () => {
      await start();
      const [a, b] = await Promise.all([opened('/streams?channels=a,b'), opened('/streams?channels=b')]);
      expect(hub.stats()).toMatchObject({ connections: 2, channels: 2 });
      await a.close();
      await until(() => hub.stats().connections === 1);
      expect(hub.stats().channels).toBe(1);
      await b.close();
      await until(() => hub.stats().channels === 0);
    });

    it('closes with the application, all streams ended in good order and a retry time sent', async () => {
      await start();
      const open = await Promise.all(Array.from({ length: 20 }, () => opened('/news')));
      const { id } = await hub.publish('news', { data: 'last' });
      await Promise.all(open.map((stream) => stream.waitFor(1)));
      await running.close();
      expect(await Promise.all(open.map(({ ended }) => ended))).toEqual(Array(20).fill('end'));
      expect(open.every((stream) => stream.lastEventId === id)).toBe(true);
      expect(new Set(open.map(({ retry }) => retry)).size).toBeGreaterThan(5);
    });

    it('works under a global prefix, versioning and an interceptor that wraps answers', async () => {
      const { map } = await import('rxjs');
      const { VersioningType } = await import('@nestjs/common');
      await start(
        {},
        {
          configure: (app) => {
            app.setGlobalPrefix('api');
            app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
            app.useGlobalInterceptors({
              intercept: (_context, next) => next.handle().pipe(map((data: unknown) => ({ data }))),
            });
          },
        },
      );
      const plain = await opened('/api/v1/news');
      const declared = await opened('/api/v1/orders/1/progress');
      await hub.publish('news', { data: 'x' });
      await hub.publish('order:1', { data: 'y' });
      expect((await plain.waitFor(1))[0]!.data).toBe('x');
      expect((await declared.waitFor(1))[0]!.data).toBe('y');
    });
  });
});

it('refuses channel names in code with a typed error', async () => {
  const running = await startApp(newsModule({}), 'express');
  await expect(running.app.get(SseHub).publish('', { data: 1 })).rejects.toThrow(InvalidChannelError);
  await running.close();
});
