import { startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { Injectable, type Type } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import {
  defineChannel,
  OnSseEvent,
  SseHub,
  SseRedisModule,
  type SseEvent,
  type SseRedisOptions,
} from 'nestjs-sse-redis';
import { z } from 'zod';

const redis = useRedis();

@Injectable()
class Worker {
  readonly heard: unknown[] = [];

  @OnSseEvent('jobs', { once: 'cluster' })
  onJob({ data }: SseEvent): void {
    this.heard.push(data);
  }
}

/** As one that leaves fields out is written, where each event is an object. */
function ofObject(data: unknown): unknown {
  if (typeof data !== 'object') throw new TypeError('the data is no object');
  return data;
}

describe('methods with @OnSseEvent() of the cluster', () => {
  const open = new Set<RunningApp>();
  afterEach(async () => {
    await Promise.all([...open].map(({ close }) => close()));
    open.clear();
  });

  async function start(options: SseRedisOptions, providers: Type<unknown>[] = [Worker]): Promise<RunningApp> {
    const imports = [SseRedisModule.forRoot({ redis: redis.url, ...options })];
    const running = await startApp({ imports, providers }, 'express');
    open.add(running);
    return running;
  }

  const wide = defineChannel('{any}:{such}:{channel}', {
    events: { paid: z.object({ amount: z.number() }) },
  });

  it('leave positions of others out of what a listener of a wide pattern hears', async () => {
    const all = defineChannel('{any}:{such}:{channel}', { listeners: true });
    @Injectable()
    class Wide {
      readonly heard: string[] = [];

      @OnSseEvent(all, { once: 'cluster' })
      onAny({ channel }: SseEvent): void {
        this.heard.push(channel);
      }
    }
    const running = await start({ prefix: randomUUID(), channels: [all] }, [Worker, Wide]);
    const hub = running.app.get(SseHub);
    await hub.publish('jobs', { data: 1 });
    await until(async () => (await hub.history('listener:Worker.onJob:jobs')).events.length > 0);
    await hub.publish('acme:order:7', { data: 2 });
    await until(() => running.app.get(Wide).heard.includes('acme:order:7'));
    expect(running.app.get(Wide).heard).toEqual(['acme:order:7']);
  });

  it.each<{ what: string; options: SseRedisOptions; heard: unknown[] }>([
    {
      what: 'serialize wraps data',
      options: { serialize: (data) => ({ version: 1, data }) },
      heard: [
        { version: 1, data: { n: 1 } },
        { version: 1, data: { n: 2 } },
      ],
    },
    {
      what: 'serialize takes nothing but objects',
      options: { serialize: ofObject },
      heard: [{ n: 1 }, { n: 2 }],
    },
    {
      what: 'a definition has channels with names like those of the positions',
      options: { channels: [wide] },
      heard: [{ n: 1 }, { n: 2 }],
    },
  ])('go on in the next process where $what', async ({ options, heard }) => {
    const all = { prefix: randomUUID(), ...options };
    const [first, publisher] = [await start(all), await start(all, [])];
    await publisher.app.get(SseHub).publish('jobs', { data: { n: 1 } });
    await until(() => first.app.get(Worker).heard.length === 1);
    open.delete(first);
    await first.close();
    await publisher.app.get(SseHub).publish('jobs', { data: { n: 2 } });
    const second = await start(all);
    await until(() => second.app.get(Worker).heard.length > 0);
    expect([...first.app.get(Worker).heard, ...second.app.get(Worker).heard]).toEqual(heard);
  });
});
