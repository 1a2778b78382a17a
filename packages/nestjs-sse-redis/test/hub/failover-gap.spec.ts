import { jest } from '@jest/globals';
import { RedisServer, until, type SseStream } from '@nestjs-sse-redis/testing';
import { Feeds } from '../../src/delivery/feeds.js';
import { Lines } from '../../src/delivery/lines.js';
import { FailoverScene, offsetOf, publish as publishTo, replicaOf, told } from './failover-scene.js';
import { Hubs, type TestHub } from './hubs.js';

const hubs = Hubs.over('redis');
let scene: FailoverScene;
let test: TestHub;

beforeEach(async () => {
  scene = await FailoverScene.start(hubs);
  ({ test } = scene);
});
afterEach(() => jest.restoreAllMocks());

const publish = (channel: string, data: number) => publishTo(test, channel, data);

/** A client has an event that only the old server had, and lacks one of another process that only the new one has. */
async function passByAnother(): Promise<SseStream> {
  const client = await test.client(['news']);
  await publish('news', 1);
  await scene.promote();
  const other = await scene.joinNew();
  await other.hub.publish('news', { type: 'n', data: 10 });
  await publish('news', 2);
  await client.waitFor(2);
  await scene.switchOver();
  return client;
}

it('tells live clients of events that only the old server had, and sends those of the new one', async () => {
  const listener = await test.listener('news');
  const client = await test.client(['news', 'quiet']);
  await publish('news', 1);
  await scene.promote();
  const lost = await publish('news', 2);
  await client.waitFor(2);
  await scene.switchOver();
  await publish('news', 3);
  await publish('quiet', 4);
  await client.waitFor(5);
  expect(told(client.messages)).toEqual([1, 2, { channel: 'news', to: lost }, 3, 4]);
  await until(() => listener.events.length === 4);
  expect(listener.events.map(({ type }) => type)).toEqual(['n', 'n', 'gap', 'n']);
  expect(test.hub.stats().gaps.failover).toBe(2);
});

it('sends what the new server had got from others before this process came to it', async () => {
  const client = await passByAnother();
  await client.waitFor(4);
  // The event of the other process lies before that of the old server in time, and has not been passed over.
  expect(told(client.messages)).toEqual([1, 2, { channel: 'news', to: expect.any(String) }, 10]);
});

it('tells nothing on channels that had no such event, nor where the new server has all', async () => {
  const client = await test.client(['news', 'quiet']);
  await publish('news', 1);
  await client.waitFor(1);
  await scene.promote();
  await scene.switchOver();
  await publish('quiet', 2);
  await client.waitFor(2);
  expect(told(client.messages)).toEqual([1, 2]);
});

it('tells a client that comes back with the id of such an event, by stream, events and history', async () => {
  const client = await test.client(['news']);
  await publish('news', 1);
  await scene.promote();
  const lost = await publish('news', 2);
  await client.waitFor(2);
  await client.close();
  await scene.switchOver();
  await publish('news', 3);
  const back = await test.client(['news'], { lastEventId: lost });
  await back.waitFor(2);
  expect(told(back.messages)).toEqual([{ channel: 'news', to: lost }, 3]);
  const listener = test.subscribe('news', { after: lost });
  await until(() => listener.events.length === 2);
  expect(listener.events.map(({ type }) => type)).toEqual(['gap', 'n']);
  const page = await test.hub.history('news', { after: lost });
  expect(page.gap).toBe(true);
  expect(page.events.map(({ data }) => data)).toEqual([3]);
  // An id of the present line is one like any other.
  const present = page.events[0]!.id;
  expect((await test.hub.history('news', { after: present })).gap).toBe(false);
});

it('sends a client that came after the failover of the replica only what is newer', async () => {
  await publish('news', 1);
  await scene.promote();
  const other = await scene.joinNew();
  await other.hub.publish('news', { type: 'n', data: 10 });
  await publish('news', 2);
  const late = await test.client(['news']);
  await scene.switchOver();
  await publish('news', 3);
  await late.waitFor(1);
  expect(told(late.messages)).toEqual([3]);
});

it('passes over events of the new server, untold, where clients are not set back (control)', async () => {
  jest.spyOn(Lines.prototype, 'restored').mockImplementation(function (this: Lines, line) {
    this['take'](line);
    return undefined;
  });
  const client = await passByAnother();
  await publish('news', 3);
  await client.waitFor(3);
  expect(told(client.messages)).toEqual([1, 2, 3]);
});

it('tells nothing of events that came over a link which broke again before anybody was sent them', async () => {
  const { next } = scene;
  const third = await RedisServer.start({ args: replicaOf(next) });
  hubs.closeLater(() => third.stop());
  const client = await test.client(['news']);
  await publish('news', 1);
  await scene.promote();
  // The subscription gets to the next server, and the scripts that would prove it are refused there.
  await next.cli('ACL', 'SETUSER', 'other', 'on', '>secret', '~*', '&*', '+@all');
  await next.cli('ACL', 'SETUSER', 'default', '-evalsha');
  const other = await hubs.start({ redis: next.url.replace('//', '//other:secret@'), prefix: scene.prefix });
  const announced = jest.spyOn(Feeds.prototype, 'announced');
  scene.proxy.target = next.port;
  scene.proxy.cut();
  await until(async () => {
    await other.hub.publish('news', { type: 'n', data: 2 });
    return announced.mock.contexts.includes(test.hub['node'].shards.home.feeds);
  });
  const { id } = await other.hub.publish('news', { type: 'n', data: 3 });
  await until(async () => (await offsetOf(third)) === (await offsetOf(next)));
  await third.cli('REPLICAOF', 'NO', 'ONE');
  scene.proxy.target = third.port;
  scene.proxy.cut();
  await until(() => client.eventIds.includes(id));
  expect(client.messages.filter(({ type }) => type === 'gap')).toEqual([]);
});

it.each(['stays up', 'restarts later'])(
  'tells nothing where the same server was made a master again, with all its data, and %s',
  async (what) => {
    const client = await test.client(['news']);
    await publish('news', 1);
    await hubs.redis.cli('REPLICAOF', '127.0.0.1', 1);
    await hubs.redis.cli('REPLICAOF', 'NO', 'ONE');
    // The link stays, and hears what follows the fork that another process finds.
    const other = await hubs.start({ redis: hubs.redis.url, prefix: scene.prefix });
    await other.hub.publish('news', { type: 'n', data: 2 });
    await client.waitFor(2);
    const id = await publish('news', 3);
    await client.waitFor(3);
    if (what === 'restarts later') {
      // The replica may still be sent the data that it begins with.
      await until(() =>
        hubs.redis.cli('SAVE').then(
          () => true,
          () => false,
        ),
      );
      await hubs.redis.restart();
    } else scene.proxy.cut();
    await until(() => publish('news', 4).then(Boolean, () => false));
    await until(() => client.messages.some(({ data }) => data === '4'));
    expect(told(client.messages)).toEqual([1, 2, 3, 4]);
    expect((await test.hub.history('news', { after: id })).gap).toBe(false);
  },
);
