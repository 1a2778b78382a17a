import { jest } from '@jest/globals';
import { Injectable, Logger, Module, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  defineChannel,
  InvalidOptionsError,
  SSE_REDIS_OPTIONS,
  SseHub,
  SseRedisModule,
  type ChannelDefinitionFields,
  type SseRedisOptions,
} from 'nestjs-sse-redis';
import { z } from 'zod';
import { startApp } from '@nestjs-sse-redis/testing';
import { failureOf } from '../hub/hubs.js';
import { orders } from './orders.js';

const invoices = defineChannel('invoice:{id}', { events: { sent: z.number() } });
const jobs = defineChannel('job:{id}', { events: { done: z.number() } });
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type Imports = NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>;

async function start(imports: Imports, options?: Parameters<typeof startApp>[2]) {
  const running = await startApp({ imports }, 'express', options);
  closing.push(() => running.close());
  return running.app;
}

const forRoot = (options: SseRedisOptions = {}) => SseRedisModule.forRoot({ isGlobal: true, ...options });
const whyNot = (imports: Imports) =>
  failureOf(start(imports, { application: { logger: false, abortOnError: false } }));

/** A module of an application with definitions of its own. */
function feature(...channels: ChannelDefinitionFields[]) {
  @Module({ imports: [SseRedisModule.forFeature(channels)] })
  class Feature {}
  return Feature;
}

/** Whether the hub knows a definition: it checks what is published then. */
async function checks(hub: SseHub, channel: string): Promise<boolean> {
  const error = await hub.publish(channel, { type: 'no such event', data: 1 }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  return error?.includes('no event "no such event"') ?? false;
}

describe('channel definitions are registered', () => {
  it('by forRoot, by forFeature of any module, and by both for the same one', async () => {
    const app = await start([
      forRoot({ channels: [orders] }),
      feature(invoices),
      feature(jobs, orders),
      feature(jobs),
    ]);
    const hub = app.get(SseHub);
    for (const channel of ['order:1', 'invoice:1', 'job:1']) expect(await checks(hub, channel)).toBe(true);
    expect(await checks(hub, 'else:1')).toBe(false);
    await hub.publish(invoices({ id: 1 }), 'sent', 5);
  });

  it('by forRootAsync, with modules told apart by the text of their metadata', async () => {
    const root = SseRedisModule.forRootAsync({
      useFactory: () => Promise.resolve({ channels: [orders] }),
    });
    const app = await start([root, feature(invoices), feature(jobs)], {
      application: { moduleIdGeneratorAlgorithm: 'deep-hash' } as never,
    });
    const hub = app.get(SseHub, { strict: false });
    for (const channel of ['order:1', 'invoice:1', 'job:1']) expect(await checks(hub, channel)).toBe(true);
  });

  it('before a provider of the feature publishes at its start', async () => {
    @Injectable()
    class Invoicing implements OnModuleInit, OnApplicationBootstrap {
      refusal: unknown;
      constructor(readonly hub: SseHub) {}
      onModuleInit(): void {
        this.hub.events('invoice:1').subscribe();
      }
      async onApplicationBootstrap(): Promise<void> {
        this.refusal = await failureOf(this.hub.publish('invoice:1', { type: 'sent', data: 'wrong' }));
      }
    }
    @Module({ imports: [SseRedisModule.forFeature([invoices])], providers: [Invoicing] })
    class InvoicesModule {}
    const app = await start([InvoicesModule, forRoot()]);
    expect(app.get(Invoicing, { strict: false }).refusal).toMatchObject({ code: 'INVALID_EVENT_DATA' });
  });

  it('for the hub with the prefix, where the application has several', async () => {
    @Module({ imports: [SseRedisModule.forRoot({ prefix: 'one' })] })
    class One {
      constructor(readonly hub: SseHub) {}
    }
    @Module({ imports: [SseRedisModule.forRoot({ prefix: 'two' })] })
    class Two {
      constructor(readonly hub: SseHub) {}
    }
    const app = await start([One, Two, SseRedisModule.forFeature([orders], { prefix: 'two' })]);
    expect(await checks(app.get(One).hub, 'order:1')).toBe(false);
    expect(await checks(app.get(Two).hub, 'order:1')).toBe(true);
    const error = await whyNot([One, Two, SseRedisModule.forFeature([orders])]);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.message).toMatch(/\["order:\{id\}"\]\) is imported in an application with several hubs/);
    expect((await whyNot([One, SseRedisModule.forFeature([orders], { prefix: 'x' })])).message).toContain(
      'found no hub with this prefix',
    );
  });

  it('in a test that overrides the options, those of forFeature', async () => {
    const app = await start([forRoot({ redis: 'redis://nowhere:1', channels: [jobs] }), feature(orders)], {
      override: (builder) => builder.overrideProvider(SSE_REDIS_OPTIONS).useValue({}),
    });
    expect(await checks(app.get(SseHub), 'order:1')).toBe(true);
    expect(await checks(app.get(SseHub), 'job:1')).toBe(false);
  });
});

it('leaves forFeature alone where a test replaces the module of the hub', async () => {
  const hub = { publish: () => Promise.resolve({ id: '1-0' }) };
  @Module({ providers: [{ provide: SseHub, useValue: hub }], exports: [SseHub] })
  class FakeHubModule {}
  const sse = forRoot();
  const app = await start([sse, feature(orders)], {
    override: (builder) => builder.overrideModule(sse as never).useModule(FakeHubModule),
  });
  expect(app.get(SseHub, { strict: false })).toBe(hub);
});

describe('the start refuses', () => {
  it.each([
    ['the same pattern twice', defineChannel('order:{id}'), /the pattern "order:\{id\}"\. Define it once/],
    ['patterns that differ in names alone', defineChannel('order:{number}'), /"order:\{id\}" and "order/],
  ])('%s', async (_what, other, words) => {
    const error = await whyNot([forRoot({ channels: [orders] }), feature(other)]);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.message).toMatch(words);
  });

  it('forFeature without a hub', async () => {
    const error = await whyNot([feature(orders)]);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error.message).toContain('found no hub: import SseRedisModule.forRoot()');
  });

  it('channels that are no definitions', () => {
    const forFeature = (channels: unknown) => SseRedisModule.forFeature(channels as never);
    expect(() => forFeature([undefined])).toThrow(
      /channels\[0\].*it got undefined, as where two files import/,
    );
    expect(() => forFeature(orders)).toThrow(/channels takes an array/);
    expect(() => forFeature([orders({ id: 1 })])).toThrow(/takes what defineChannel\(\) returned/);
  });

  it('channels of forRoot that are no definitions', async () => {
    const error = await whyNot([forRoot({ channels: [orders, 'order:{id}'] as never })]);
    expect(error.message).toContain('channels[1] takes what defineChannel() returned, it got "order:{id}"');
  });

  it('a module that is loaded later, whose rights would not have held until then', async () => {
    const app = await start([forRoot()]);
    const loading = app.get(LazyModuleLoader).load(() => feature(orders));
    expect((await failureOf(loading)).message).toContain('was loaded after the hub had started');
  });
});

describe('of definitions with patterns that overlap', () => {
  const vip = defineChannel('order:vip', { events: { hello: z.string() } });
  const any = defineChannel('{kind}:{id}', { events: { any: z.string() } });

  it.each([[[vip, orders, any]], [[any, orders, vip]], [[orders, any, vip]]])(
    'the most specific counts, whatever their order (%#)',
    async (channels) => {
      const hub = (await start([forRoot({ channels })])).get(SseHub);
      await hub.publish(vip(), 'hello', 'you');
      await hub.publish('order:1', { type: 'paid', data: { amount: 1 } });
      await hub.publish('job:1', { type: 'any', data: 'thing' });
      const error = await failureOf(hub.publish(any({ kind: 'order', id: 1 }), 'any', 'thing'));
      expect(error.message).toContain('"order:1" of the definition "{kind}:{id}" has a name that also fits');
    },
  );
});

it('warns at the start of definitions that nobody may stream', async () => {
  const warnings: string[] = [];
  const spy = jest
    .spyOn(Logger.prototype, 'warn')
    .mockImplementation((text: unknown) => void warnings.push(String(text)));
  try {
    const open = defineChannel('open', { authorize: true });
    await start([forRoot({ channels: [orders, open] })]);
    expect(warnings.filter((text) => text.includes('Nobody may stream "order:{id}"'))).toHaveLength(1);
    await start([forRoot({ channels: [orders, open], authorize: () => true })]);
    await start([forRoot({ channels: [orders] })]);
    expect(warnings.filter((text) => text.includes('Nobody may stream'))).toHaveLength(1);
  } finally {
    spy.mockRestore();
  }
});
