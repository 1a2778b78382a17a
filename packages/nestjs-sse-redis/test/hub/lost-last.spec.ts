import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { SseRegistry, type SseRedisOptions } from 'nestjs-sse-redis';
import { Subject } from 'rxjs';
import { CHANGES_CHANNEL } from '../../src/broker/registry-store.interface.js';
import { MAX_TIMER } from '../../src/options/resolved-options.js';
import { brokers, Hubs, type TestHub } from './hubs.js';
import { auditNow, linkLosses, loseNext } from './lossy.js';

/** A probe that a busy machine answers late would cost the link. */
const QUICK: SseRedisOptions = { probeInterval: 500, heartbeatInterval: 500, auditInterval: 150 };
const NO_AUDIT: SseRedisOptions = { ...QUICK, auditInterval: MAX_TIMER, history: { ttl: 3 * MAX_TIMER } };

/** The link proves itself so many times. */
async function proofs({ hub }: TestHub, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const { linkProvenAt } = hub.stats();
    await until(() => hub.stats().linkProvenAt !== linkProvenAt);
  }
}

describe.each(brokers)(
  'an announcement that was lost as the last of its channel, over the $broker broker',
  ({ broker }) => {
    const hubs = Hubs.over(broker);

    async function loseLast(options: SseRedisOptions) {
      const test = await hubs.start(options);
      const listener = await test.listener('a');
      const client = await test.client(['a', '{a}b']);
      await test.hub.publish('a', { data: 1 });
      await client.waitFor(1);
      const lost = loseNext(test.hub, 'a');
      const { id } = await test.hub.publish('a', { data: 2 });
      expect(test.hub['node'].shards.of('a').feeds.lines.toId(await lost)).toBe(id);
      return { test, listener, client };
    }

    it('is delivered to clients and listeners with no further event, and warned of', async () => {
      const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      hubs.closeLater(() => warn.mockRestore());
      const { test, listener, client } = await loseLast(QUICK);
      await until(() => listener.events.length === 2);
      expect(listener.data).toEqual([1, 2]);
      expect((await client.waitFor(2)).map(({ data }) => data)).toEqual(['1', '2']);
      expect(test.hub.stats()).toMatchObject({ announcementsLost: 1, gaps: { announcement: 0 } });
      expect(warn).toHaveBeenCalledWith(
        expect.stringContaining('got lost on a connection that stayed up (1 times, on "a")'),
      );
      await test.hub.publish('a', { data: 3 });
      await until(() => listener.events.length === 3);
      expect(listener.data).toEqual([1, 2, 3]);
    });

    it('is not delivered without the audit (negative control)', async () => {
      const { test, listener } = await loseLast(NO_AUDIT);
      await proofs(test, 3);
      expect(listener.data).toEqual([1]);
      expect(test.hub.stats().announcementsLost).toBe(0);
    });

    it('ends the stream if it was the end', async () => {
      const test = await hubs.start(QUICK);
      const source = new Subject<{ data: number }>();
      const client = await test.client(['a']);
      const piping = test.hub.pipe('a', source);
      source.next({ data: 1 });
      await client.waitFor(1);
      const lost = loseNext(test.hub, 'a');
      source.complete();
      await Promise.all([piping, lost]);
      await client.ended;
      expect(client.messages.map(({ type }) => type)).toEqual(['message', 'end']);
    });

    it('is not found where nothing was lost, however busy the channels are', async () => {
      const test = await hubs.start(QUICK);
      const channels = Array.from({ length: 20 }, (_, i) => `channel:${i}`);
      const listeners = await Promise.all(channels.map((channel) => test.listener(channel)));
      for (let round = 0; round < 100; round++) {
        await test.hub.publishMany(
          channels.flatMap((channel) => [
            { channel, data: round },
            { channel, data: -1, ephemeral: true },
          ]),
        );
      }
      await proofs(test, 3);
      await until(() => listeners.every(({ events }) => events.length === 200));
      expect(test.hub.stats()).toMatchObject({
        announcementsLost: 0,
        catchUps: { announcement: { log: 0 } },
      });
    });

    it('is told as a gap to who left meanwhile and returns after the only listener was gone', async () => {
      const test = await hubs.start(QUICK);
      const client = await test.client(['a', '{a}b']);
      const { id: before } = await test.hub.publish('a', { data: 1 });
      await client.waitFor(1);
      const lost = loseNext(test.hub, 'a');
      const { id } = await test.hub.publish('a', { data: 2 });
      await lost;
      const { id: newer } = await test.hub.publish('{a}b', { data: 3 });
      await until(() => client.messages.some((message) => message.id === newer));
      await client.close();
      await until(() => test.hub.stats().announcementsLost === 1);
      const resumed = test.subscribe('a', { after: newer });
      await until(() => resumed.events.length === 1);
      expect(resumed.events).toEqual([
        {
          id: expect.any(String) as string,
          channel: 'a',
          type: 'gap',
          data: { channel: 'a', from: before, to: id },
        },
      ]);
      expect(test.hub.stats().gaps.announcement).toBe(1);
      // Who stands before it gets it, and who stands behind the repair knows of it.
      const behind = test.subscribe('a', { after: before });
      const { id: last } = await test.hub.publish('a', { data: 4 });
      const after = test.subscribe('a', { after: last });
      await test.hub.publish('a', { data: 5 });
      await until(() => behind.events.length === 3 && after.events.length === 1);
      expect(behind.data).toEqual([2, 4, 5]);
      expect(after.data).toEqual([5]);
    });
  },
);

describe('a lost announcement, over Redis', () => {
  const hubs = Hubs.over('redis');
  let redis: RedisServer;
  beforeAll(() => {
    redis = hubs.redis;
  });

  /** A client of two channels at the first hub leaves with a position that is newer than an event that was lost there. */
  async function leaveBehind(options: SseRedisOptions) {
    const prefix = `lost-${Math.random()}`;
    const start = (more: SseRedisOptions = {}) => hubs.start({ ...options, prefix, ...more });
    const [loser, other] = await Promise.all([start(), start(QUICK)]);
    const client = await loser.client(['a', 'b']);
    const { id: before } = await other.hub.publish('a', { data: 1 });
    await client.waitFor(1);
    const dropped = loseNext(loser.hub, 'a');
    const { id: lost } = await other.hub.publish('a', { data: 2 });
    await dropped;
    const { id: newer } = await other.hub.publish('b', { data: 3 });
    await until(() => client.messages.some(({ id }) => id === newer));
    await client.close();
    const gap = { channel: 'a', from: before, to: lost };
    return { start, loser, other, newer, gap };
  }

  it('is told at another process to who was back before it was found', async () => {
    const { loser, other, newer, gap } = await leaveBehind(NO_AUDIT);
    const back = await other.client(['a', 'b'], { lastEventId: newer });
    await proofs(other, 2);
    expect(back.messages).toEqual([]);
    await auditNow(loser.hub);
    const [message] = await back.waitFor(1);
    expect(message).toMatchObject({ type: 'gap', data: JSON.stringify(gap) });
  });

  it('is told by a process that started after it was found', async () => {
    const { start, loser, newer, gap } = await leaveBehind(QUICK);
    await until(() => loser.hub.stats().announcementsLost === 1);
    await loser.running.close();
    const late = await start();
    const back = await late.client(['a', 'b'], { lastEventId: newer });
    const [message] = await back.waitFor(1);
    expect(message).toMatchObject({ type: 'gap', data: JSON.stringify(gap) });
  });

  it('is told of by a process that is shut down before it has found it', async () => {
    const { loser, other, newer, gap } = await leaveBehind(NO_AUDIT);
    const back = await other.client(['a', 'b'], { lastEventId: newer });
    await proofs(other, 2);
    expect(back.messages).toEqual([]);
    await loser.running.close();
    const [message] = await back.waitFor(1);
    expect(message).toMatchObject({ type: 'gap', data: JSON.stringify(gap) });
  });

  it('is told where the link was lost before it was found', async () => {
    const { loser, other, newer, gap } = await leaveBehind(NO_AUDIT);
    await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const both = [loser.hub, other.hub];
    await until(() => both.every((hub) => linkLosses(hub) > 0 && hub.stats().linkUp));
    const back = await other.client(['a', 'b'], { lastEventId: newer });
    await auditNow(loser.hub);
    const [message] = await back.waitFor(1);
    expect(message).toMatchObject({ type: 'gap', data: JSON.stringify(gap) });
  });

  it('is told to who is subscribed to the channel later, after such a position', async () => {
    const { loser, other, newer, gap } = await leaveBehind(NO_AUDIT);
    const subscribe = async (channel: string) => {
      const { connections } = await other.running.app.get(SseRegistry).list({ channel });
      await other.hub.subscribe(connections[0]!.id, 'a', { after: newer });
    };
    const before = await other.client(['c']);
    await subscribe('c');
    await auditNow(loser.hub);
    const [told] = await before.waitFor(1);
    expect(told).toMatchObject({ type: 'gap', data: JSON.stringify(gap) });
    const after = await other.client(['d']);
    await subscribe('d');
    const [toldAtOnce] = await after.waitFor(1);
    expect(toldAtOnce).toMatchObject({ type: 'gap', data: JSON.stringify(gap) });
  });

  it('is found in the log of the registry, too', async () => {
    const test = await hubs.start(QUICK);
    const changes: string[] = [];
    const watching = test.running.app
      .get(SseRegistry)
      .changes.subscribe((change) => changes.push(change.type));
    hubs.closeLater(() => watching.unsubscribe());
    await until(async () => {
      await (await test.client(['a'])).close();
      return changes.length > 0;
    });
    const lost = loseNext(test.hub, CHANGES_CHANNEL);
    const before = changes.length;
    await test.client(['a']);
    await lost;
    await until(() => changes.length > before && test.hub.stats().announcementsLost > 0);
  });
});
