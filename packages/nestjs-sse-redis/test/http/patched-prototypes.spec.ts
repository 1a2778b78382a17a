import { SseStream, startApp, until, type RunningApp, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { OutgoingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { SseHub, type SseRedisOptions } from 'nestjs-sse-redis';
import { newsModule, NO_HEARTBEATS } from './news.app.js';

const EVENTS = 20;

type Method = (this: unknown, ...rest: unknown[]) => unknown;
type Prototype = Record<string, Method | undefined>;

/** Wraps a method of a prototype, as tracing libraries do. Returns what passes through it, and how to take it back. */
function wrap(prototype: object, name: string): { seen: () => string; restore: () => void } {
  const target = prototype as Prototype;
  const isOwn = Object.hasOwn(target, name);
  const original = target[name]!;
  const chunks: Buffer[] = [];
  target[name] = function (this: unknown, ...rest: unknown[]) {
    const [chunk] = rest;
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string));
    return original.apply(this, rest);
  };
  return {
    seen: () => Buffer.concat(chunks).toString(),
    restore: () => {
      if (isOwn) target[name] = original;
      else Reflect.deleteProperty(target, name);
    },
  };
}

const redis = useRedis();

describe('a method of Node that something else has wrapped', () => {
  let running: RunningApp;
  let stream: SseStream | undefined;
  let patch: ReturnType<typeof wrap> | undefined;

  async function start(options: SseRedisOptions = {}): Promise<void> {
    running = await startApp(
      newsModule({
        prefix: randomUUID(),
        redis: redis.url,
        directWrites: true,
        ...NO_HEARTBEATS,
        ...options,
      }),
      'express',
    );
  }

  async function open(): Promise<SseStream> {
    stream = SseStream.open(`${running.url}/news`);
    const { lastEventId } = stream;
    await until(() => stream!.lastEventId !== lastEventId);
    return stream;
  }

  /** Publishes events one by one, and returns those that did not pass through the wrapped method. */
  async function findUnseen(opened: SseStream): Promise<string[]> {
    const hub = running.app.get(SseHub);
    const before = opened.messages.length;
    for (let i = 1; i <= EVENTS; i++) {
      await hub.publish('news', { data: `event ${i}.` });
      await opened.waitFor(before + i);
    }
    return opened.eventIds.filter((id) => !patch!.seen().includes(`id: ${id}\n`));
  }

  afterEach(async () => {
    patch?.restore();
    patch = undefined;
    await stream?.close();
    await running.close();
  });

  it.each([
    ['ServerResponse.prototype.write', ServerResponse.prototype, 'write'],
    ['OutgoingMessage.prototype.write', OutgoingMessage.prototype, 'write'],
    ['Socket.prototype.write', Socket.prototype, 'write'],
    ['Socket.prototype._write', Socket.prototype, '_write'],
  ])('sees every event of a stream that begins after it: %s', async (_name, prototype, method) => {
    await start();
    patch = wrap(prototype, method);
    expect(await findUnseen(await open())).toEqual([]);
  });

  /** Node's `write` calls `_send`, whatever came before: a wrapper of it sees which writes go through Node's `write`. */
  async function findUnsent(options: SseRedisOptions): Promise<string[]> {
    await start(options);
    const opened = await open();
    // The first goes through the response in any case, which knows whether its headers have left.
    for (const data of ['first', 'second']) await running.app.get(SseHub).publish('news', { data });
    const before = new Set((await opened.waitFor(2)).map(({ id }) => id));
    patch = wrap(OutgoingMessage.prototype, '_send');
    return (await findUnseen(opened)).filter((id) => !before.has(id));
  }

  it('is passed by without a wrapper (negative control)', async () => {
    expect(await findUnsent({})).toHaveLength(EVENTS);
  });

  it('is used for each event with directWrites: false', async () => {
    expect(await findUnsent({ directWrites: false })).toEqual([]);
  });
});
