import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { SseRegistry } from 'nestjs-sse-redis';
import { Fork, offsetOf, publish, replicaOf, told } from './failover-scene.js';
import type { TestHub } from './hubs.js';

const fork = Fork.use();

const gapOf = (channel: string) => ({ channel, to: expect.any(String) });

/** The id of the only connection on a channel. */
async function connectionOn({ running }: TestHub, channel: string): Promise<string> {
  const find = async () =>
    (await running.app.get(SseRegistry).list({ channel })).connections.map(({ id }) => id);
  await until(async () => (await find()).length === 1);
  return (await find())[0]!;
}

/** A process whose user may not ask INFO. */
async function joinBlind(): Promise<TestHub> {
  await fork.scene.next.cli('ACL', 'SETUSER', 'blind', 'on', '>secret', '~*', '&*', '+@all', '-info');
  const redis = fork.scene.next.url.replace('//', '//blind:secret@');
  return fork.hubs.start({ redis, prefix: fork.scene.prefix });
}

describe('a notice', () => {
  it('reaches clients with the id of a late event, before it and behind it', async () => {
    const own = await publish(fork.old, 'news', 1);
    await publish(fork.old, 'news', 2);
    await fork.split();
    await publish(fork.old, 'news', 3);
    const cursor = await publish(fork.present, 'other', 10);
    const lastEventId = `${own}~${cursor}`;
    const before = await fork.present.client(['news', 'other'], { lastEventId });
    await fork.scene.switchOver();
    await publish(fork.old, 'news', 11);
    const after = await fork.present.client(['news', 'other'], { lastEventId });
    for (const client of [before, after]) {
      await until(() => told(client.messages).includes(11));
      expect(told(client.messages)).toContainEqual(gapOf('news'));
      expect(told(client.messages).filter((one) => typeof one === 'number')).toEqual([2, 11]);
    }
  });

  it('is given for what was published before a repeated publish, which has an earlier id', async () => {
    await publish(fork.old, 'news', 1);
    const repeated = () => fork.old.hub.publish('news', { type: 'n', data: 2 }, { idempotencyKey: 'twice' });
    await repeated();
    await fork.split();
    const client = await fork.present.client(['news']);
    await publish(fork.old, 'news', 3);
    await repeated();
    await fork.scene.switchOver();
    await publish(fork.old, 'news', 4);
    await until(() => told(client.messages).includes(4));
    expect(told(client.messages)).toEqual([gapOf('news'), 4]);
  });

  it('is given by a process that heard the event, and whose client has left', async () => {
    await fork.begin();
    const client = await fork.present.client(['news']);
    const publisher = await fork.hubs.start({ redis: fork.hubs.redis.url, prefix: fork.scene.prefix });
    const there = await fork.old.client(['news']);
    await publish(publisher, 'news', 2);
    await there.waitFor(1);
    await publisher.running.close();
    await there.close();
    await until(() => fork.old.hub['node'].shards.home.feeds.size === 0);
    await fork.scene.switchOver();
    await publish(fork.old, 'news', 3);
    await until(() => told(client.messages).includes(3));
    expect(told(client.messages)).toEqual([gapOf('news'), 3]);
  });

  it('tells nothing on a channel that was added behind the lost event', async () => {
    await fork.begin();
    const client = await fork.present.client(['other']);
    await publish(fork.old, 'news', 2);
    await publish(fork.present, 'other', 5);
    await client.waitFor(1);
    await fork.present.hub.subscribe(await connectionOn(fork.present, 'other'), 'news');
    await fork.scene.switchOver();
    await publish(fork.old, 'news', 6);
    await until(() => told(client.messages).includes(6));
    expect(told(client.messages)).toEqual([5, 6]);
  });

  it('is not given again at a later failover that loses nothing', async () => {
    const third = await RedisServer.start({ args: replicaOf(fork.scene.next) });
    fork.hubs.closeLater(() => third.stop());
    await fork.begin();
    const there = await fork.present.client(['news']);
    await publish(fork.old, 'news', 2);
    await fork.scene.switchOver();
    await there.waitFor(1);
    const id = await publish(fork.present, 'news', 10);
    await until(async () => (await offsetOf(third)) === (await offsetOf(fork.scene.next)));
    await third.cli('REPLICAOF', 'NO', 'ONE');
    fork.scene.proxy.target = third.port;
    fork.scene.proxy.cut();
    const other = await fork.hubs.start({ redis: third.url, prefix: fork.scene.prefix });
    const back = await other.client(['news'], { lastEventId: id });
    await until(() => publish(fork.old, 'news', 11).then(Boolean, () => false));
    await until(() => told(back.messages).includes(11));
    // Whatever the process that was switched over had to tell has come before the next event.
    await until(() => fork.old.hub.stats().linkUp);
    await fork.old.hub['node'].shards.home['lossWatch']['log']['publishing'];
    await publish(fork.old, 'news', 12);
    await until(() => told(back.messages).includes(12));
    expect(told(back.messages)).toEqual([11, 12]);
  });

  it('is given again where the next failover has lost it', async () => {
    await fork.begin();
    const third = await RedisServer.start({ args: replicaOf(fork.scene.next) });
    fork.hubs.closeLater(() => third.stop());
    await until(async () => (await offsetOf(third)) === (await offsetOf(fork.scene.next)));
    await third.cli('REPLICAOF', 'NO', 'ONE');
    const there = await fork.present.client(['news']);
    await publish(fork.old, 'news', 2);
    await fork.scene.switchOver();
    await there.waitFor(1);
    // The third server has no notice.
    const other = await fork.hubs.start({ redis: third.url, prefix: fork.scene.prefix });
    const client = await other.client(['news'], { lastEventId: await other.hub.cursor() });
    fork.scene.proxy.target = third.port;
    fork.scene.proxy.cut();
    await until(() => publish(fork.old, 'news', 3).then(Boolean, () => false));
    // Publishes go on before the link is proven.
    await client.waitFor(2);
    expect(new Set(told(client.messages))).toEqual(new Set([3, gapOf('news')]));
  });

  it('is known to a process that starts later, however short the history and however many there are', async () => {
    const history = { maxLength: 10 };
    await publish(fork.old, 'c0', 1);
    await fork.split();
    const redis = `redis://127.0.0.1:${fork.scene.proxy.port}`;
    const publisher = await fork.hubs.start({ redis, prefix: fork.scene.prefix, history });
    const before = await fork.present.hub.cursor();
    const channels = Array.from({ length: 1_200 }, (_, i) => `c${i}`);
    await publisher.hub.publishMany(channels.map((channel) => ({ channel, data: 2 })));
    await fork.scene.switchOver();
    const log = `{${fork.scene.prefix}}:log:\u0001losses`;
    await until(async () => Number(await fork.scene.next.cli('XLEN', log)) >= channels.length / 100);
    const late = await fork.hubs.start({ redis: fork.scene.next.url, prefix: fork.scene.prefix, history });
    const back = await late.client(['c0'], { lastEventId: before });
    await publish(fork.present, 'c0', 3);
    await until(() => told(back.messages).includes(3));
    expect(told(back.messages)).toEqual([gapOf('c0'), 3]);
  });
});

it('sends a channel that was added after an old id from the fork on, where its client is a newcomer', async () => {
  const after = await publish(fork.old, 'news', 1);
  await fork.split();
  await publish(fork.present, 'news', 10);
  await publish(fork.old, 'other', 1);
  const client = await fork.old.client(['other']);
  await fork.old.hub.subscribe(await connectionOn(fork.old, 'other'), 'news', { after });
  await publish(fork.old, 'other', 20);
  await until(() => told(client.messages).includes(20));
  await fork.scene.switchOver();
  await publish(fork.present, 'news', 11);
  await until(() => told(client.messages).includes(11));
  expect(told(client.messages)).toEqual([20, gapOf('other'), 10, 11]);
});

it('goes back where its next server forked from the same data earlier than the last one', async () => {
  await publish(fork.old, 'news', 1);
  const third = await RedisServer.start({ args: replicaOf(fork.hubs.redis) });
  fork.hubs.closeLater(() => third.stop());
  await until(async () => (await offsetOf(third)) === (await offsetOf(fork.hubs.redis)));
  await third.cli('REPLICAOF', 'NO', 'ONE');
  const split = await fork.hubs.start({ redis: third.url, prefix: fork.scene.prefix });
  await publish(split, 'news', 30);
  await fork.scene.promote();
  await fork.scene.switchOver();
  const client = await fork.old.client(['news']);
  await publish(fork.old, 'news', 2);
  await publish(split, 'news', 31);
  await publish(fork.old, 'news', 3);
  await until(() => told(client.messages).includes(3));
  fork.scene.proxy.target = third.port;
  fork.scene.proxy.cut();
  await until(() => publish(fork.old, 'other', 0).then(Boolean, () => false));
  await publish(split, 'news', 32);
  await until(() => told(client.messages).includes(32));
  expect(told(client.messages)).toEqual([2, 3, gapOf('news'), 31, 32]);
});

it('hears of a line by the renewal of its lease, where it is idle on a server that goes on', async () => {
  const { url } = fork.hubs.redis;
  const idle = await fork.hubs.start({ redis: url, prefix: fork.scene.prefix, heartbeatInterval: 1_000 });
  const client = await idle.client(['news']);
  await fork.hubs.redis.cli('REPLICAOF', '127.0.0.1', 1);
  await fork.hubs.redis.cli('REPLICAOF', 'NO', 'ONE');
  const other = await fork.hubs.start({ redis: url, prefix: fork.scene.prefix });
  const id = await publish(other, 'news', 2);
  await until(() => client.lastEventId !== id && client.lastEventId.endsWith('.1'), { timeout: 60_000 });
  await client.close();
  const back = await other.client(['news'], { lastEventId: client.lastEventId });
  await publish(other, 'news', 3);
  await until(() => told(back.messages).includes(3));
  expect(told(back.messages)).toEqual([3]);
});

describe('an id with a line', () => {
  it('is a gap, and not refused, where it is of a time to come, or the broker is embedded', async () => {
    const memory = await fork.hubs.start({ redis: 'embedded' });
    const ids = ['8000000000000-0.1', `${Date.now() - 5_000}-0.1`];
    for (const [i, process] of [fork.old, memory].entries()) {
      const back = await process.client(['news'], { lastEventId: ids[i]! });
      await back.waitFor(1);
      expect(back.messages[0]!.type).toBe('gap');
    }
  });

  it('is that of all others, where INFO is hidden from a process', async () => {
    await fork.begin();
    const blind = await joinBlind();
    const id = await publish(fork.present, 'news', 10);
    const seen = await publish(blind, 'news', 11);
    const back = await blind.client(['news'], { lastEventId: id });
    const other = await fork.present.client(['news'], { lastEventId: seen });
    await publish(fork.present, 'news', 12);
    await Promise.all([back.waitFor(2), other.waitFor(1)]);
    expect([told(back.messages), told(other.messages)]).toEqual([[11, 12], [12]]);
    expect(other.eventIds[0]).toBe(back.eventIds[1]);
    expect(seen).toBe(back.eventIds[0]);
  });

  it('leads to where the fork began, by a page of history without events', async () => {
    await fork.begin();
    await publish(fork.present, 'news', 10);
    const lost = await publish(fork.old, 'news', 2);
    const empty = await fork.present.hub.history('news', { after: lost, limit: 0 });
    const next = await fork.present.hub.history('news', { after: empty.cursor });
    expect([empty.gap, next.events.map(({ data }) => data)]).toEqual([true, [10]]);
  });
});
