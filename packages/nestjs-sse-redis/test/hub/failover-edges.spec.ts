import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { SseRegistry } from 'nestjs-sse-redis';
import { FailoverScene, offsetOf, publish, replicaOf, told } from './failover-scene.js';
import { Hubs, type TestHub } from './hubs.js';

const hubs = Hubs.over('redis');
let scene: FailoverScene;
/** A process that is connected to the old server until it is switched over, and one at the new server. */
let old: TestHub;
let present: TestHub;

beforeEach(async () => {
  scene = await FailoverScene.start(hubs);
  old = scene.test;
});

async function fork(): Promise<void> {
  await publish(old, 'news', 1);
  await scene.promote();
  present = await scene.joinNew();
}

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
  await scene.next.cli('ACL', 'SETUSER', 'blind', 'on', '>secret', '~*', '&*', '+@all', '-info');
  const redis = scene.next.url.replace('//', '//blind:secret@');
  return hubs.start({ redis, prefix: scene.prefix });
}

describe('a notice', () => {
  it('reaches clients with the id of a late event, before it and behind it', async () => {
    const own = await publish(old, 'news', 1);
    await publish(old, 'news', 2);
    await scene.promote();
    present = await scene.joinNew();
    await publish(old, 'news', 3);
    const cursor = await publish(present, 'other', 10);
    const lastEventId = `${own}~${cursor}`;
    const before = await present.client(['news', 'other'], { lastEventId });
    await scene.switchOver();
    await publish(old, 'news', 11);
    const after = await present.client(['news', 'other'], { lastEventId });
    for (const client of [before, after]) {
      await until(() => told(client.messages).includes(11));
      expect(told(client.messages)).toContainEqual(gapOf('news'));
      expect(told(client.messages).filter((one) => typeof one === 'number')).toEqual([2, 11]);
    }
  });

  it('is given for what was published before a repeated publish, which has an earlier id', async () => {
    await publish(old, 'news', 1);
    const repeated = () => old.hub.publish('news', { type: 'n', data: 2 }, { idempotencyKey: 'twice' });
    await repeated();
    await scene.promote();
    present = await scene.joinNew();
    const client = await present.client(['news']);
    await publish(old, 'news', 3);
    await repeated();
    await scene.switchOver();
    await publish(old, 'news', 4);
    await until(() => told(client.messages).includes(4));
    expect(told(client.messages)).toEqual([gapOf('news'), 4]);
  });

  it('is given by a process that heard the event, and whose client has left', async () => {
    await fork();
    const client = await present.client(['news']);
    const publisher = await hubs.start({ redis: hubs.redis.url, prefix: scene.prefix });
    const there = await old.client(['news']);
    await publish(publisher, 'news', 2);
    await there.waitFor(1);
    await publisher.running.close();
    await there.close();
    await until(() => old.hub['node'].feeds.size === 0);
    await scene.switchOver();
    await publish(old, 'news', 3);
    await until(() => told(client.messages).includes(3));
    expect(told(client.messages)).toEqual([gapOf('news'), 3]);
  });

  it('tells nothing on a channel that was added behind the lost event', async () => {
    await fork();
    const client = await present.client(['other']);
    await publish(old, 'news', 2);
    await publish(present, 'other', 5);
    await client.waitFor(1);
    await present.hub.subscribe(await connectionOn(present, 'other'), 'news');
    await scene.switchOver();
    await publish(old, 'news', 6);
    await until(() => told(client.messages).includes(6));
    expect(told(client.messages)).toEqual([5, 6]);
  });

  it('is not given again at a later failover that loses nothing', async () => {
    const third = await RedisServer.start({ args: replicaOf(scene.next) });
    hubs.closeLater(() => third.stop());
    await fork();
    const there = await present.client(['news']);
    await publish(old, 'news', 2);
    await scene.switchOver();
    await there.waitFor(1);
    const id = await publish(present, 'news', 10);
    await until(async () => (await offsetOf(third)) === (await offsetOf(scene.next)));
    await third.cli('REPLICAOF', 'NO', 'ONE');
    scene.proxy.target = third.port;
    scene.proxy.cut();
    const other = await hubs.start({ redis: third.url, prefix: scene.prefix });
    const back = await other.client(['news'], { lastEventId: id });
    await until(() => publish(old, 'news', 11).then(Boolean, () => false));
    await until(() => told(back.messages).includes(11));
    expect(told(back.messages)).toEqual([11]);
  });

  it('is given again where the next failover has lost it', async () => {
    await fork();
    const third = await RedisServer.start({ args: replicaOf(scene.next) });
    hubs.closeLater(() => third.stop());
    await until(async () => (await offsetOf(third)) === (await offsetOf(scene.next)));
    await third.cli('REPLICAOF', 'NO', 'ONE');
    const there = await present.client(['news']);
    await publish(old, 'news', 2);
    await scene.switchOver();
    await there.waitFor(1);
    // The third server has no notice.
    const other = await hubs.start({ redis: third.url, prefix: scene.prefix });
    const client = await other.client(['news'], { lastEventId: await other.hub.cursor() });
    scene.proxy.target = third.port;
    scene.proxy.cut();
    await until(() => publish(old, 'news', 3).then(Boolean, () => false));
    // Publishes go on before the link is proven.
    await client.waitFor(2);
    expect(new Set(told(client.messages))).toEqual(new Set([3, gapOf('news')]));
  });

  it('is known to a process that starts later, however short the history and however many there are', async () => {
    const history = { maxLength: 10 };
    await publish(old, 'c0', 1);
    await scene.promote();
    present = await scene.joinNew();
    const redis = `redis://127.0.0.1:${scene.proxy.port}`;
    const publisher = await hubs.start({ redis, prefix: scene.prefix, history });
    const before = await present.hub.cursor();
    const channels = Array.from({ length: 1_200 }, (_, i) => `c${i}`);
    await publisher.hub.publishMany(channels.map((channel) => ({ channel, data: 2 })));
    await scene.switchOver();
    const log = `{${scene.prefix}}:log:\u0001losses`;
    await until(async () => Number(await scene.next.cli('XLEN', log)) >= channels.length / 100);
    const late = await hubs.start({ redis: scene.next.url, prefix: scene.prefix, history });
    const back = await late.client(['c0'], { lastEventId: before });
    await publish(present, 'c0', 3);
    await until(() => told(back.messages).includes(3));
    expect(told(back.messages)).toEqual([gapOf('c0'), 3]);
  });
});

it('sends a channel that was added after an old id from the fork on, where its client is a newcomer', async () => {
  const after = await publish(old, 'news', 1);
  await scene.promote();
  present = await scene.joinNew();
  await publish(present, 'news', 10);
  await publish(old, 'other', 1);
  const client = await old.client(['other']);
  await old.hub.subscribe(await connectionOn(old, 'other'), 'news', { after });
  await publish(old, 'other', 20);
  await until(() => told(client.messages).includes(20));
  await scene.switchOver();
  await publish(present, 'news', 11);
  await until(() => told(client.messages).includes(11));
  expect(told(client.messages)).toEqual([20, gapOf('other'), 10, 11]);
});

it('goes back where its next server forked from the same data earlier than the last one', async () => {
  await publish(old, 'news', 1);
  const third = await RedisServer.start({ args: replicaOf(hubs.redis) });
  hubs.closeLater(() => third.stop());
  await until(async () => (await offsetOf(third)) === (await offsetOf(hubs.redis)));
  await third.cli('REPLICAOF', 'NO', 'ONE');
  const split = await hubs.start({ redis: third.url, prefix: scene.prefix });
  await publish(split, 'news', 30);
  await scene.promote();
  await scene.switchOver();
  const client = await old.client(['news']);
  await publish(old, 'news', 2);
  await publish(split, 'news', 31);
  await publish(old, 'news', 3);
  await until(() => told(client.messages).includes(3));
  scene.proxy.target = third.port;
  scene.proxy.cut();
  await until(() => publish(old, 'other', 0).then(Boolean, () => false));
  await publish(split, 'news', 32);
  await until(() => told(client.messages).includes(32));
  expect(told(client.messages)).toEqual([2, 3, gapOf('news'), 31, 32]);
});

it('hears of a line by the renewal of its lease, where it is idle on a server that goes on', async () => {
  const { url } = hubs.redis;
  const idle = await hubs.start({ redis: url, prefix: scene.prefix, heartbeatInterval: 1_000 });
  const client = await idle.client(['news']);
  await hubs.redis.cli('REPLICAOF', '127.0.0.1', 1);
  await hubs.redis.cli('REPLICAOF', 'NO', 'ONE');
  const other = await hubs.start({ redis: url, prefix: scene.prefix });
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
    const memory = await hubs.start({ redis: 'embedded' });
    const ids = ['8000000000000-0.1', `${Date.now() - 5_000}-0.1`];
    for (const [i, process] of [old, memory].entries()) {
      const back = await process.client(['news'], { lastEventId: ids[i]! });
      await back.waitFor(1);
      expect(back.messages[0]!.type).toBe('gap');
    }
  });

  it('is that of all others, where INFO is hidden from a process', async () => {
    await fork();
    const blind = await joinBlind();
    const id = await publish(present, 'news', 10);
    const seen = await publish(blind, 'news', 11);
    const back = await blind.client(['news'], { lastEventId: id });
    const other = await present.client(['news'], { lastEventId: seen });
    await publish(present, 'news', 12);
    await Promise.all([back.waitFor(2), other.waitFor(1)]);
    expect([told(back.messages), told(other.messages)]).toEqual([[11, 12], [12]]);
    expect(other.eventIds[0]).toBe(back.eventIds[1]);
    expect(seen).toBe(back.eventIds[0]);
  });

  it('leads to where the fork began, by a page of history without events', async () => {
    await fork();
    await publish(present, 'news', 10);
    const lost = await publish(old, 'news', 2);
    const empty = await present.hub.history('news', { after: lost, limit: 0 });
    const next = await present.hub.history('news', { after: empty.cursor });
    expect([empty.gap, next.events.map(({ data }) => data)]).toEqual([true, [10]]);
  });
});
