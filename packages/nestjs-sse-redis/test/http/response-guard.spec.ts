import {
  forEachAdapter,
  ReconnectingClient,
  SseStream,
  startApp,
  until,
  type RunningApp,
  useRedis,
} from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { Controller, ForbiddenException, Logger, Sse } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { randomUUID } from 'node:crypto';
import { request, ServerResponse, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { AlreadyConnectedError, SseClient, SseHub } from 'nestjs-sse-redis';
import { concat, EMPTY, merge, of, repeat, throwError, timer } from 'rxjs';
import { ResponseGuard } from '../../src/response/response-guard.js';
import { ResponseSink } from '../../src/response/response-sink.js';
import { DISMISSED_ID } from '../../src/event/position.js';
import { foreignWritersModule } from './foreign-writers/foreign-writers.app.js';
import { clearStages, stageOf } from './foreign-writers/stage.js';
import { NoTimeout } from './foreign-writers/timeout.interceptor.js';
import { RawExchange } from './raw-exchange.js';

const FOREIGN = 'id: 7\nevent: foreign\ndata: x\n\n';

@Controller()
class MoreController {
  constructor(private readonly hub: SseHub) {}

  @NoTimeout()
  @Sse('twice')
  twice(@SseClient() client: SseClient) {
    return merge(this.hub.connect(client, 'a'), this.hub.connect(client, 'b'));
  }

  @NoTimeout()
  @Sse('same-twice')
  sameTwice(@SseClient() client: SseClient) {
    const stream = this.hub.connect(client, 'a');
    return merge(stream, stream);
  }

  @NoTimeout()
  @Sse('repeated')
  repeated(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'a').pipe(repeat());
  }

  @NoTimeout()
  @Sse('refused')
  refused(@SseClient() client: SseClient) {
    return merge(
      this.hub.connect(client, 'a'),
      throwError(() => new ForbiddenException('not yours')),
    );
  }

  @NoTimeout()
  @Sse('last-words')
  lastWords(@SseClient() client: SseClient) {
    return concat(this.hub.connect(client, 'a'), of({ type: 'foreign', data: 'bye' }), EMPTY);
  }

  @NoTimeout()
  @Sse('for-ever')
  forEver(@SseClient() client: SseClient) {
    return merge(this.hub.connect(client, 'a'), timer(0, 20));
  }

  /** A wrapper that comes after the guard. */
  @NoTimeout()
  @Sse('wrapped')
  wrapped(@SseClient() client: SseClient) {
    const stage = stageOf('wrapped');
    const { response } = client;
    stage.response = response;
    const stream = this.hub.connect(client, 'wrapped');
    const write = response.write.bind(response) as (...args: unknown[]) => boolean;
    response.write = (...args: unknown[]) => {
      seen.push(String(args[0]));
      return write(...args);
    };
    return stream;
  }
}

/** What the wrapper has seen. */
const seen: string[] = [];

const redis = useRedis();
afterEach(() => jest.restoreAllMocks());

function testModule() {
  const { imports, controllers, providers } = foreignWritersModule({
    redis: redis.url,
    prefix: randomUUID(),
  });
  return { imports, controllers: [...controllers, MoreController], providers };
}

forEachAdapter((adapter) => {
  let running: RunningApp;
  let hub: SseHub;
  const closeLater: (() => unknown)[] = [];

  beforeEach(async () => {
    clearStages();
    seen.length = 0;
    running = await startApp(testModule(), adapter, { application: { logger: false } });
    hub = running.app.get(SseHub);
  });
  afterEach(async () => {
    for (const close of closeLater.splice(0)) await close();
    await running.close();
  });

  async function open(path: string, lastEventId?: string): Promise<SseStream> {
    const stream = SseStream.open(`${running.url}/${path}`, { ...(lastEventId && { lastEventId }) });
    closeLater.push(() => stream.close());
    await stream.opened;
    await until(() => hub.stats().connections > 0);
    await stream.waitForBlock(({ id }) => id !== undefined);
    return stream;
  }

  describe('somebody who writes in the tick of an event', () => {
    /** Of each message that the application writes when it hears an event: whether its id is that of the event before it. */
    async function areIdsRight(): Promise<boolean[]> {
      // Two, since streams that are given the same share their writes.
      const streams = [await open('plain'), await open('plain')];
      for (let i = 0; i < 3; i++) await hub.publish('plain', { type: 'event', data: i });
      for (const each of streams) await each.waitFor(3);
      const subscription = hub.events('plain').subscribe(() => stageOf('plain').response.write(FOREIGN));
      closeLater.push(() => subscription.unsubscribe());
      const stream = streams[1]!;
      await until(async () => {
        await hub.publishMany([0, 1, 2].map((data) => ({ channel: 'plain', type: 'event', data })));
        return stream.messages.filter(({ type }) => type === 'foreign').length >= 9;
      });
      const { messages } = stream;
      return messages.flatMap(({ type, id }, i) => {
        const before = messages.slice(0, i).findLast((message) => message.type === 'event');
        return type === 'foreign' ? [id === before?.id] : [];
      });
    }

    it('comes after the event, whose id its block carries', async () => {
      expect(await areIdsRight()).not.toContain(false);
    });

    it('would come with the id of an event that the client does not have (negative control)', async () => {
      jest.spyOn(ResponseSink.prototype, 'makeWay').mockImplementation(() => undefined);
      expect(await areIdsRight()).toContain(false);
    });
  });

  it('goes on after a response was corked that had too much together with its socket, and neither too much alone', async () => {
    const stream = await open('plain');
    const { response } = stageOf('plain');
    const socket = response.socket!;
    socket.cork();
    response.write(`: ${'x'.repeat(40_000)}\n\n`);
    response.cork();
    response.write(': kept in the response\n\n');
    await hub.publish('plain', { type: 'event', data: 'y'.repeat(30_000) });
    await until(() => hub.stats().connectionStates.full === 1);
    response.uncork();
    socket.uncork();
    await until(() => hub.stats().connectionStates.full === 0);
    for (let i = 0; i < 5; i++) await hub.publish('plain', { type: 'event', data: i });
    await stream.waitFor(({ data }) => data === '4');
  });

  describe('after the hub has ended the stream', () => {
    it('gives the final id to blocks that the application has concatenated', async () => {
      const stream = await open('last-words');
      await hub.disconnect({ node: hub.nodeId }, { reason: 'over' });
      expect(await stream.ended).toBe('end');
      expect(stream.messages.at(-1)).toEqual({ type: 'foreign', data: 'bye', id: DISMISSED_ID });
    });

    it('the response ends though the application goes on', async () => {
      const stream = await open('for-ever');
      await stream.waitFor(({ id }) => id !== '');
      await hub.disconnect({ node: hub.nodeId }, { reason: 'over' });
      expect(await stream.ended).toBe('end');
      expect(stream.lastEventId).toBe(DISMISSED_ID);
    });

    it('the response would not end by itself (negative control)', async () => {
      const stream = await open('for-ever');
      const end = jest.spyOn(ResponseGuard.prototype, 'end').mockImplementation(() => undefined);
      await hub.disconnect({ node: hub.nodeId }, { reason: 'over' });
      await until(() => end.mock.calls.length > 0);
      const count = stream.messages.length;
      await stream.waitFor(count + 5);
    });
  });

  describe('a second stream in one response', () => {
    it.each(['twice', 'same-twice'])('is refused before the headers: %s', async (path) => {
      const answer = await fetch(`${running.url}/${path}`);
      expect(answer.status).toBe(500);
      expect(answer.headers.get('content-type')).toMatch(/json/);
      expect(await answer.json()).toMatchObject({ statusCode: 500 });
      await until(() => hub.stats().connections === 0);
    });

    it('names the error and what to do', () => {
      const response = Object.create(ServerResponse.prototype) as ServerResponse;
      ResponseGuard.install(response, { lastEventId: undefined });
      const again = (): unknown => ResponseGuard.install(response, { lastEventId: undefined });
      expect(again).toThrow(AlreadyConnectedError);
      expect(again).toThrow(/all channels in one call/);
    });

    it('is refused after the first has ended, and the final id stays', async () => {
      const stream = await open('repeated');
      await hub.disconnect({ node: hub.nodeId }, { reason: 'over' });
      expect(await stream.ended).toBe('end');
      expect(stream.lastEventId).toBe(DISMISSED_ID);
    });
  });

  it('leaves an answer alone that an exception filter gives in the place of the stream', async () => {
    const answer = await fetch(`${running.url}/refused`);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ message: 'not yours', statusCode: 403 });
  });

  describe('the bytes before the hub’s first block', () => {
    async function head(header: string): Promise<string> {
      const exchange = RawExchange.open(
        running.url,
        `GET /plain HTTP/1.1\r\nHost: localhost\r\n${header}\r\n`,
      );
      closeLater.push(() => exchange.close());
      await until(() => /^id: /m.test(exchange.text));
      return exchange.answers[0]!.body.split(/^(?:retry|id): /m)[0]!;
    }

    it('are a blank line to a newcomer, as Nest sends it', async () => {
      expect(await head('')).toBe('\n');
    });

    it('are none to a client that comes back: a blank line makes a strict client forget its id', async () => {
      expect(await head(`Last-Event-ID: ${await hub.cursor()}\r\n`)).toBe('');
    });

    it('would be the blank line to that, too (negative control)', async () => {
      jest.spyOn(ResponseGuard.prototype, 'takeWrite').mockImplementation(function (
        this: ResponseGuard,
        args,
      ) {
        return this.originalWrite.apply(this.response, args);
      });
      expect(await head(`Last-Event-ID: ${await hub.cursor()}\r\n`)).toBe('\n');
    });
  });

  it('calls back though it holds back what was written', async () => {
    const stream = await open('plain');
    const { response } = stageOf('plain');
    await new Promise<void>((resolve) => {
      response.write('data: a p', () => resolve());
    });
    await new Promise<void>((resolve) => {
      response.write(Buffer.from('iece\n\n'), () => resolve());
    });
    await stream.waitFor(({ data }) => data === 'a piece');
    await new Promise<void>((resolve) => {
      response.end('ZGF0YTogZW5kCgo=', 'base64', () => resolve());
    });
    expect(await stream.ended).toBe('end');
    expect(stream.messages.at(-1)).toMatchObject({ data: 'end' });
  });

  it('works under a wrapper that comes after it, which sees all frames', async () => {
    const stream = await open('wrapped');
    await hub.publish('wrapped', { type: 'event', data: 'one' });
    await stream.waitFor(1);
    stageOf('wrapped').response.write(FOREIGN);
    await hub.publish('wrapped', { type: 'event', data: 'two' });
    const messages = await stream.waitFor(3);
    expect(messages.map(({ type }) => type)).toEqual(['event', 'foreign', 'event']);
    expect(messages[1]!.id).toBe(messages[0]!.id);
    expect(seen.join('')).toContain('data: two');
  });

  it('ends a HEAD request as if its client had left', async () => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${running.url}/merge`, { method: 'HEAD' }, resolve).on('error', reject).end();
    });
    answer.resume();
    expect(answer.statusCode).toBe(200);
    await until(() => stageOf('merge').claims.length === 1 && hub.stats().connections === 0);
    expect(hub.stats().closes).toEqual({ left: 1 });
  });

  describe('a stream that the application ends', () => {
    let warnings: string[];
    beforeEach(() => {
      warnings = [];
      jest.spyOn(Logger.prototype, 'warn').mockImplementation((text) => void warnings.push(String(text)));
    });

    const closes = (reason: string): number => hub.stats().closes[reason] ?? 0;

    it('is reported once a route when events flowed, with the cause and what to do', async () => {
      const client = ReconnectingClient.start(`${running.url}/timeout`);
      closeLater.push(() => client.stop());
      await until(async () => {
        await hub.publish('timeout', { data: '' });
        return closes('ended-by-application') >= 2;
      });
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatch(/stream of GET \/timeout .*timeout.*Exempt the route/);
    });

    it('is not reported when no event flowed', async () => {
      const stream = await open('take-until');
      stageOf('take-until').act.next();
      expect(await stream.ended).toBe('end');
      await until(() => hub.stats().connections === 0);
      expect(hub.stats().closes).toEqual({ 'ended-by-application': 1 });
      expect(warnings).toEqual([]);
    });

    it('is left with the events and the position that it was given in that tick', async () => {
      const stream = await open('take-until');
      jest.spyOn(ResponseSink.prototype, 'event').mockImplementation(function (
        this: ResponseSink,
        _channel,
        record,
      ) {
        const more = this.write(record.frame);
        stageOf('take-until').act.next();
        return more;
      });
      const { id } = await hub.publish('take-until', { data: 'last' });
      expect(await stream.ended).toBe('end');
      expect(stream.messages.at(-1)).toMatchObject({ data: 'last', id });
    });

    it.each(['plain', 'merge'])('is another than one whose client leaves: %s', async (path) => {
      const stream = await open(path);
      await hub.publish(path, { data: '' });
      await stream.waitFor(1);
      await stream.close();
      await until(() => hub.stats().connections === 0);
      expect(hub.stats().closes).toEqual({ left: 1 });
      expect(warnings).toEqual([]);
    });
  });
});

describe('over HTTP/2, on fastify', () => {
  let running: RunningApp;

  beforeEach(async () => {
    clearStages();
    running = await startApp(testModule(), new FastifyAdapter({ http2: true }), {
      application: { logger: false },
    });
  });
  afterEach(() => running.close());

  it.each([
    ['a merged message', () => stageOf('merge').more.next({ id: '7', type: 'foreign', data: 'x' })],
    ['res.write', () => stageOf('merge').response.write(FOREIGN)],
    ['res.end', () => stageOf('merge').response.end(FOREIGN)],
  ])('keeps the hub’s id in %s', async (_name, act) => {
    const hub = running.app.get(SseHub);
    const session = connectHttp2(running.url);
    const stream = session.request({ ':path': '/merge' });
    let text = '';
    stream.setEncoding('utf8').on('data', (data: string) => (text += data));
    try {
      await until(() => /^id: /m.test(text));
      const { id } = await hub.publish('merge', { data: 'one' });
      await until(() => text.includes('data: one'));
      act();
      await until(() => text.includes('event: foreign'));
      expect(text).toMatch(new RegExp(`id: ${id}\\n(?!id: 7)[^]*event: foreign`));
      expect(text).not.toContain('id: 7');
      session.destroy();
      await until(() => hub.stats().connections === 0);
    } finally {
      session.destroy();
    }
  });
});
