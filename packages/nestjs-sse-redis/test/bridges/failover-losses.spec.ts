import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { deferred, until } from '@nestjs-sse-redis/testing';
import { defineChannel, type SseEvent } from 'nestjs-sse-redis';
import { ClusterListener } from '../../src/listeners/cluster-listener.js';
import { EventHandler } from '../../src/listeners/event-handler.js';
import { FailoverLosses } from '../../src/listeners/failover-losses.js';
import { findLogs } from '../../src/listeners/listened-log.js';
import { Fork, publish } from '../hub/failover-scene.js';
import type { TestHub } from '../hub/hubs.js';

const orders = defineChannel('order:{id}', { listeners: true });
const fork = Fork.use({ channels: [orders] });
let heard: unknown[];
/** A method with the first event takes until then. */
let isDone = deferred();
const stop = new AbortController();

beforeEach(async () => {
  jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  heard = [];
  isDone = deferred();
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => stop.abort());

function listen({ hub }: TestHub, listened: string): void {
  const [log] = findLogs(hub.internals, 'on', listened);
  const handler = new EventHandler(
    'Worker.on',
    async ({ type, data }: SseEvent) => {
      heard.push(type === 'gap' ? 'gap' : data);
      if (data === 1) await isDone.promise;
    },
    1,
  );
  void new ClusterListener(hub, log!, 'Worker.on', handler).listen(stop.signal);
}

/** What a method listens to, and the channel that is published to. */
type Case = readonly [listened: string, channel: string];

/** The method is busy while a failover loses an event, and the new server has another one. */
async function loseWhileBusy([listened, channel]: Case): Promise<void> {
  await publish(fork.old, channel, 1);
  listen(fork.old, listened);
  await until(() => heard.length === 1);
  await fork.split();
  await publish(fork.old, channel, 2);
  await fork.scene.switchOver();
  await publish(fork.present, channel, 10);
  isDone.resolve();
  await until(() => heard.includes(10));
}

describe.each([
  ['a channel', 'news', 'news'],
  ['a pattern', 'order:{id}', 'order:7'],
])('a listener of the cluster to %s', (_, listened, channel) => {
  it('is told of events that a failover lost before it was called with them', async () => {
    await loseWhileBusy([listened, channel]);
    await publish(fork.present, channel, 11);
    await until(() => heard.includes(11));
    expect(heard).toEqual([1, 'gap', 10, 11]);
  });

  it('is told nothing of a failover without a look at the losses (negative control)', async () => {
    jest.spyOn(FailoverLosses.prototype, 'findNew').mockReturnValue(false);
    await loseWhileBusy([listened, channel]);
    expect(heard).toEqual([1, 10]);
  });

  it('is told, where it has read on already, once its process hears of the loss', async () => {
    isDone.resolve();
    await publish(fork.old, channel, 1);
    await fork.split();
    listen(fork.present, listened);
    await until(() => heard.length === 1);
    await publish(fork.old, channel, 2);
    await publish(fork.present, channel, 10);
    await until(() => heard.includes(10));
    await fork.scene.switchOver();
    // At once, or with the next event, where what wakes the listener began behind the loss.
    await until(() => fork.present.hub['node'].shards.home.lost.size > 0);
    await publish(fork.present, channel, 11);
    await until(() => heard.includes(11));
    expect(heard).toEqual([1, 10, 'gap', 11]);
  });
});
