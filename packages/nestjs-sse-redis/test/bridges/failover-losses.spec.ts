import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { deferred, until } from '@nestjs-sse-redis/testing';
import type { SseEvent } from 'nestjs-sse-redis';
import { ClusterListener } from '../../src/listeners/cluster-listener.js';
import { EventHandler } from '../../src/listeners/event-handler.js';
import { FailoverLosses } from '../../src/listeners/failover-losses.js';
import { Fork, publish } from '../hub/failover-scene.js';
import type { TestHub } from '../hub/hubs.js';

const fork = Fork.use();
let heard: unknown[];
/** A method with the first event takes until then. */
let isDone = deferred();
const stop = new AbortController();

beforeEach(async () => {
  jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  heard = [];
  isDone = deferred();
  await publish(fork.old, 'news', 1);
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => stop.abort());

function listen({ hub }: TestHub): void {
  const log = { name: 'news', label: 'news', toEvent: (event: SseEvent) => event };
  const handler = new EventHandler(
    'Worker.on',
    async ({ type, data }: SseEvent) => {
      heard.push(type === 'gap' ? 'gap' : data);
      if (data === 1) await isDone.promise;
    },
    1,
  );
  void new ClusterListener(hub, log, 'Worker.on', handler).listen(stop.signal);
}

/** The method is busy while a failover loses an event, and the new server has another one. */
async function loseWhileBusy(): Promise<void> {
  listen(fork.old);
  await until(() => heard.length === 1);
  await fork.split();
  await publish(fork.old, 'news', 2);
  await fork.scene.switchOver();
  await publish(fork.present, 'news', 10);
  isDone.resolve();
  await until(() => heard.includes(10));
}

it('tells a listener of the cluster of events that a failover lost before it was called with them', async () => {
  await loseWhileBusy();
  await publish(fork.present, 'news', 11);
  await until(() => heard.includes(11));
  expect(heard).toEqual([1, 'gap', 10, 11]);
});

it('tells a listener of the cluster nothing of a failover without a look at the losses (negative control)', async () => {
  jest.spyOn(FailoverLosses.prototype, 'findNew').mockReturnValue(false);
  await loseWhileBusy();
  expect(heard).toEqual([1, 10]);
});

it('tells a listener of the cluster that has read on already, once its process hears of the loss', async () => {
  isDone.resolve();
  await fork.split();
  listen(fork.present);
  await until(() => heard.length === 1);
  await publish(fork.old, 'news', 2);
  await publish(fork.present, 'news', 10);
  await until(() => heard.includes(10));
  await fork.scene.switchOver();
  // At once, or with the next event, where what wakes the listener began behind the loss.
  await until(() => fork.present.hub['node'].shards.home.lost.size > 0);
  await publish(fork.present, 'news', 11);
  await until(() => heard.includes(11));
  expect(heard).toEqual([1, 10, 'gap', 11]);
});
