import {
  RedisServer,
  SseStream,
  startApp,
  TcpProxy,
  until,
  useRedis,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { getQueueToken } from '@nestjs/bullmq';
import type { INestApplication, LoggerService } from '@nestjs/common';
import { CommandBus, EventBus } from '@nestjs/cqrs';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { ClientProxyFactory, Transport, type ClientProxy, type RedisOptions } from '@nestjs/microservices';
import { QueueEvents, type Job, type Queue } from 'bullmq';
import { SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { randomUUID } from 'node:crypto';
import { firstValueFrom } from 'rxjs';
import { done, ecosystemModule, OrderPaid, ServiceHandlers, ShipOrder, type Work } from './ecosystem.app.js';

/** What an error line of the application's log says. */
class Log implements LoggerService {
  readonly errors: string[] = [];

  log(): void {}
  warn(): void {}

  error(message: unknown, ...rest: unknown[]): void {
    this.errors.push([message, ...rest].map(String).join(' '));
  }

  /** The lines of a context, such as `PublishTo`. */
  of(context: string): string[] {
    return this.errors.filter((line) => line.endsWith(` ${context}`));
  }
}

/** Those that do the work of a call. `progress` and `completed` come of `process`. */
const HANDLERS = [
  'cqrs event',
  'cqrs command',
  ...['OnEvent of the base', 'OnEvent above', 'OnEvent below', 'OnEvent of a request'],
  ...['EventPattern above', 'EventPattern below', 'MessagePattern above', 'MessagePattern below'],
  'process',
];

interface Answers {
  readonly command: unknown;
  readonly emitted: unknown;
  readonly above: unknown;
  readonly below: unknown;
  readonly job: Job;
}

const failure = (error: unknown) => ({ error });

describe('@PublishTo() on handlers of packages of Nest', () => {
  const log = new Log();
  let redis: RedisServer;
  let proxy: TcpProxy;
  let running: RunningApp;
  let hub: SseHub;
  let client: ClientProxy;
  let queue: Queue<Work, unknown>;
  let queueEvents: QueueEvents;
  let page: SseStream;

  beforeAll(async () => {
    redis = await RedisServer.start();
    const connection = { host: '127.0.0.1', port: redis.port };
    proxy = await TcpProxy.start({ target: redis.port });
    const options = { redis: `redis://127.0.0.1:${proxy.port}`, prefix: randomUUID(), publishTimeout: 4_000 };
    running = await startApp(ecosystemModule(options, connection), 'express', {
      application: { logger: log },
      configure: async (app) => {
        app.connectMicroservice({ transport: Transport.REDIS, options: connection });
        await app.startAllMicroservices();
      },
    });
    hub = running.app.get(SseHub);
    client = ClientProxyFactory.create({ transport: Transport.REDIS, options: connection });
    await client.connect();
    queue = running.app.get<Queue<Work, unknown>>(getQueueToken('reports'));
    queueEvents = new QueueEvents('reports', { connection });
    await queueEvents.waitUntilReady();
  });
  afterAll(async () => {
    await queueEvents?.close();
    await client?.close();
    await running?.close();
    await proxy?.stop();
    await redis?.stop();
  });
  beforeEach(async () => {
    page = SseStream.open(`${running.url}/work`);
    await page.waitForBlock(({ id }) => id !== undefined);
    done.length = 0;
    log.errors.length = 0;
  });
  afterEach(() => page.close());

  async function runJob(work: Work): Promise<Job> {
    const added = await queue.add('report', work);
    await added.waitUntilFinished(queueEvents).catch(() => undefined);
    return (await queue.getJob(added.id!)) as Job;
  }

  function ask(pattern: string, work: Work): Promise<unknown> {
    return firstValueFrom(client.send<unknown>(pattern, work), { defaultValue: 'no value' }).catch(failure);
  }

  /** Has each handler do a work. @returns what those callers get that wait for something */
  async function callAll({ id, does }: Work): Promise<Answers> {
    const { app } = running;
    const work = { id, ...(does && { does }) };
    app.get(EventBus).publish(new OrderPaid(id, does));
    await firstValueFrom(client.emit('paid', work), { defaultValue: undefined });
    const [command, emitted, above, below, job] = await Promise.all([
      app.get(CommandBus).execute(new ShipOrder(id, does)).catch(failure),
      app.get(EventEmitter2).emitAsync('order.paid', work).catch(failure),
      ask('above', work),
      ask('below', work),
      runJob(work),
    ]);
    return { command, emitted, above, below, job };
  }

  /** The types and data of what the page got, when it has all that was published up to now. */
  async function received(): Promise<string[]> {
    const last = await hub.publish('work', { type: 'last', data: null });
    await page.waitFor(({ id }) => id === last.id);
    return page.events.filter(({ type }) => type !== 'last').map(({ type, data }) => `${type} ${data}`);
  }

  const allDone = (id: number) => HANDLERS.map((handler) => `${handler} ${id}`);

  it('sends a page what each of them returned exactly once, above and below other decorators, and of a base class', async () => {
    const { job, ...answers } = await callAll({ id: 1 });
    expect(answers).toEqual({ command: 1, emitted: [1, 1, 1, 1], above: 1, below: 1 });
    expect(job.returnvalue).toBe(1);
    const expected = [...allDone(1), 'progress 1.5', 'completed 1'].toSorted();
    await until(async () => (await received()).length >= expected.length);
    const all = await received();
    expect(all.toSorted()).toEqual(expected);
    // Of one job, in the order in which they were.
    const ofJob = all.filter((event) => /^(progress|process|completed) /.test(event));
    expect(ofJob).toEqual(['progress 1.5', 'process 1', 'completed 1']);
    expect(done.toSorted()).toEqual(allDone(1).toSorted());
    expect(log.errors).toEqual([]);
  });

  it('sends nothing for results that are undefined, also to a channel that is computed of the result', async () => {
    const { job, ...answers } = await callAll({ id: 2, does: 'nothing' });
    await until(() => done.length === HANDLERS.length);
    const nobody = [undefined, undefined, undefined, undefined];
    expect(answers).toEqual({ command: undefined, emitted: nobody, above: 'no value', below: 'no value' });
    expect(job.failedReason).toBeUndefined();
    expect(await received()).toEqual(['progress 2.5']);
    expect(log.errors).toEqual([]);
  });

  it('leaves the error of a handler that rejects to its caller, and sends nothing', async () => {
    const { job, ...answers } = await callAll({ id: 3, does: 'fail' });
    const own = { error: new Error('of its own') };
    const internal = { error: { status: 'error', message: 'Internal server error' } };
    // That of a listener without `suppressErrors: false` is logged by Nest.
    expect(answers).toEqual({ command: own, emitted: own, above: internal, below: internal });
    expect(job.failedReason).toBe('of its own');
    expect(await received()).toEqual(['progress 3.5']);
    expect(log.of('PublishTo')).toEqual([]);
  });

  it('fails the call and logs it where the work is done but Redis is away, ends no process, and goes on afterwards', async () => {
    await proxy.refuse(true);
    proxy.cut();
    // Of the first one the outcome may be unknown: it was on its way.
    const probe = { type: 'last', data: null };
    await until(() =>
      hub.publish('work', probe).then(
        () => false,
        ({ code }) => code === 'REDIS_UNAVAILABLE',
      ),
    );
    log.errors.length = 0;
    const { job, ...answers } = await callAll({ id: 4 });
    const unavailable = { error: expect.objectContaining({ code: 'REDIS_UNAVAILABLE' }) as unknown };
    const internal = { error: { status: 'error', message: 'Internal server error' } };
    expect(answers).toEqual({
      command: unavailable,
      emitted: unavailable,
      above: internal,
      below: unavailable,
    });
    expect(job.failedReason).toMatch(/does not answer/);
    // The work is done; each result that did not reach the page has a line, also that of an event of the worker, whose Promise BullMQ
    // drops: unhandled, its rejection would fail this test.
    expect(done.toSorted()).toEqual(allDone(4).toSorted());
    const methods = [
      ...['OrderPaidHandler.handle', 'ShipOrderHandler.execute'],
      ...['BaseListeners.onBase', 'Listeners.onAbove', 'Listeners.onBelow', 'ListenersOfRequest.onPaid'],
      ...['Handlers.onAbove', 'Handlers.onBelow', 'Handlers.answerAbove', 'Handlers.answerBelow'],
      ...['Reports.process', 'BaseWorker.onProgress'],
    ];
    await until(() => log.of('PublishTo').length >= methods.length);
    const lines = log
      .of('PublishTo')
      .map((line) => line.split('.\n')[0]!.split(' RedisUnavailableError')[0]!);
    expect(lines.toSorted()).toEqual(
      methods.map((method) => `The result of ${method}() was not published to "work".`).toSorted(),
    );
    await proxy.refuse(false);
    await until(() => hub.publish('work', probe).then(Boolean, () => false));
    expect((await callAll({ id: 5 })).job.returnvalue).toBe(5);
    const expected = [...allDone(5), 'progress 5.5', 'completed 5'].toSorted();
    await until(async () => (await received()).length >= expected.length);
    expect((await received()).toSorted()).toEqual(expected);
  });
});

describe('@PublishTo() on a handler of an event that Redis hands to two processes', () => {
  const redis = useRedis();

  it('publishes once with an idempotencyKey of the event, and once for each process without', async () => {
    const options: RedisOptions = {
      transport: Transport.REDIS,
      options: { host: '127.0.0.1', port: redis.port },
    };
    const module = {
      imports: [SseRedisModule.forRoot({ redis: redis.url, prefix: randomUUID() })],
      controllers: [ServiceHandlers],
    };
    const configure = async (app: INestApplication) => {
      app.connectMicroservice(options);
      await app.startAllMicroservices();
    };
    const processes = await Promise.all([1, 2].map(() => startApp(module, 'express', { configure })));
    const client = ClientProxyFactory.create(options);
    for (const id of [1, 2]) await firstValueFrom(client.emit('sold', { id }), { defaultValue: undefined });
    const hub = processes[0]!.app.get(SseHub);
    const published = await until(async () => {
      const { events } = await hub.history('sales', { limit: 20 });
      return events.length >= 6 && events.map(({ type, data }) => `${type} ${String(data)}`);
    });
    expect(published.toSorted()).toEqual(['each 1', 'each 1', 'each 2', 'each 2', 'once 1', 'once 2']);
    await client.close();
    for (const { close } of processes) await close();
  });
});
