import { jest } from '@jest/globals';
import { TcpProxy, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { SseRegistry } from 'nestjs-sse-redis';
import { ClusterListener } from '../../src/listeners/cluster-listener.js';
import { EventHandler } from '../../src/listeners/event-handler.js';
import { Waits } from '../../src/util/waits.js';
import { RunTap } from '../runs/run-tap.js';
import { Hubs, type TestHub } from './hubs.js';

/** No test waits for so long. */
const NEVER_MS = 2_000_000;

interface Scene {
  /** Cut off from Redis by the test. */
  readonly own: TestHub;
  readonly other: TestHub;
}

/** What is tried in an outage. @returns whether it is done */
type Attempt = (scene: Scene, hubs: Hubs) => Promise<() => unknown>;

const subscribe: Attempt = async ({ own, other }) => {
  await other.hub.publish('news', { data: 1 });
  const listener = own.subscribe('news', { after: 'start' });
  return () => listener.events.length === 1;
};

const listenInCluster: Attempt = async ({ own, other }, hubs) => {
  await other.hub.publish('jobs', { data: 1 });
  const heard: unknown[] = [];
  const handler = new EventHandler('of the test', ({ data }) => heard.push(data), 1);
  const abort = new AbortController();
  const log = { name: 'jobs', label: 'jobs', toEvent: <Event>(event: Event) => event };
  const listening = new ClusterListener(own.hub, log, 'late', handler).listen(abort.signal);
  hubs.closeLater(() => {
    abort.abort();
    return listening;
  });
  return () => heard.length === 1;
};

const noteLoss: Attempt = async ({ own, other }) => {
  const loss = { channel: 'news', after: 1, first: 2, last: 2, until: 3 };
  void own.hub['node'].shards.home['lossWatch']['log'].add([loss]);
  return () => other.hub['node'].shards.home.lost.size === 1;
};

describe('attempts that failed while Redis was away', () => {
  const hubs = Hubs.over('redis');
  let proxy: TcpProxy;
  let scene: Scene;
  /** Pauses that have begun. None of them ends by itself. */
  let pauses: number;

  beforeEach(async () => {
    proxy = await TcpProxy.start({ target: hubs.redis.port });
    hubs.closeLater(() => proxy.stop());
    const prefix = randomUUID();
    const redis = `redis://127.0.0.1:${proxy.port}`;
    scene = { own: await hubs.start({ prefix, redis }), other: await hubs.start({ prefix }) };
    const wait = Reflect.get(Waits.prototype, 'wait');
    pauses = 0;
    jest.spyOn(Waits.prototype, 'wait').mockImplementation(function (this: Waits, _, signal) {
      pauses++;
      return wait.call(this, NEVER_MS, signal);
    });
  });
  afterEach(() => jest.restoreAllMocks());

  async function cutOff(): Promise<void> {
    await proxy.refuse(true);
    proxy.cut();
    await until(() => !scene.own.hub.stats().linkUp);
  }

  /** Lets Redis back once something waits for it. */
  async function comeBack(before = 0): Promise<void> {
    await until(() => pauses > before);
    await proxy.refuse(false);
  }

  it.each<{ what: string; attempt: Attempt }>([
    { what: 'a subscription of events()', attempt: subscribe },
    { what: 'a method of the cluster with @OnSseEvent()', attempt: listenInCluster },
    { what: 'the notice of a loss', attempt: noteLoss },
  ])('are made again as soon as the connection is back: $what', async ({ attempt }) => {
    await cutOff();
    const isDone = await attempt(scene, hubs);
    await comeBack();
    await until(isDone);
  });

  it('are made again as soon as the connection is back: an event of a run', async () => {
    const tap = new RunTap();
    const run = await scene.own.hub.run('a', tap.source);
    await cutOff();
    tap.give('x');
    tap.end();
    await comeBack();
    expect(await run.outcome()).toEqual({ state: 'done' });
  });

  it('are made again as soon as the connection is back: to take a client out of the registry', async () => {
    const registry = scene.other.running.app.get(SseRegistry);
    const client = await scene.own.client(['news']);
    await until(async () => (await registry.count()) === 1);
    await cutOff();
    const before = pauses;
    await client.close();
    await comeBack(before);
    await until(async () => (await registry.count()) === 0);
  });
});
