import { jest } from '@jest/globals';
import { until } from '@nestjs-sse-redis/testing';
import { Audit } from '../../src/delivery/losses/audit.js';
import { LossWatch } from '../../src/delivery/losses/loss-watch.js';
import { Fork, publish, told } from './failover-scene.js';

const fork = Fork.use();
beforeEach(() => fork.begin());
afterEach(() => jest.restoreAllMocks());

const gapOf = (channel: string) => ({ channel, to: expect.any(String) });

it('tells clients that never were at the old server of what it acknowledged and nobody heard', async () => {
  const client = await fork.present.client(['news', 'quiet']);
  const before = client.lastEventId;
  await publish(fork.present, 'news', 10);
  await publish(fork.old, 'news', 2);
  await fork.scene.switchOver();
  await client.waitFor(2);
  await publish(fork.old, 'quiet', 3);
  await client.waitFor(3);
  expect(told(client.messages)).toEqual([10, gapOf('news'), 3]);
  expect(fork.present.hub.stats().gaps.failover).toBe(1);

  // Those that come back later are told as they come, and newcomers have nothing to be told of.
  for (const process of [fork.old, fork.present]) {
    const back = await process.client(['news', 'quiet'], { lastEventId: before });
    await back.waitFor(3);
    expect(told(back.messages).slice(0, 3)).toEqual([gapOf('news'), 10, 3]);
    const newcomer = await process.client(['news']);
    const id = await publish(fork.present, 'news', 4);
    await newcomer.waitFor(1);
    expect(told(newcomer.messages)).toEqual([4]);
    // The notice is older than this id.
    const later = await process.client(['news'], { lastEventId: id });
    await publish(fork.present, 'news', 5);
    await later.waitFor(1);
    expect(told(later.messages)).toEqual([5]);
  }
});

it('tells who reads the history from before what a failover lost, once the reading has come to it', async () => {
  const first = (await fork.present.hub.history('news')).events[0]!.id;
  const earlier = `${Number(first.split('-')[0]) - 1}-0`;
  await publish(fork.old, 'news', 2);
  await fork.scene.switchOver();
  for (const { hub } of [fork.old, fork.present]) {
    const pageAfter = (after: string) => hub.history('news', { after, limit: 1 });
    await until(async () => (await pageAfter(first)).gap);
    const last = await publish(fork.present, 'news', 10);
    const page = await pageAfter(first);
    expect(page).toMatchObject({ events: [{ data: 10 }], gap: true });
    expect(await pageAfter(last)).toMatchObject({ events: [], gap: false });
    expect(await hub.history('news', { after: earlier, limit: 1 })).toMatchObject({
      events: [{ id: first }],
      gap: false,
    });
    expect((await hub.history('news')).gap).toBe(false);
    expect((await hub.history('news', { after: 'start' })).gap).toBe(false);
  }
});

it('tells each client once where its own process, or several, know of the loss', async () => {
  const client = await fork.old.client(['news']);
  const other = await fork.present.client(['news']);
  await publish(fork.old, 'news', 2);
  await client.waitFor(1);
  await fork.scene.switchOver();
  await other.waitFor(1);
  const again = await fork.hubs.start({ redis: fork.scene.next.url, prefix: fork.scene.prefix });
  await publish(again, 'news', 11);
  await Promise.all([client.waitFor(3), other.waitFor(2)]);
  expect(told(client.messages)).toEqual([2, gapOf('news'), 11]);
  expect(told(other.messages)).toEqual([gapOf('news'), 11]);
});

it('tells of nothing that the new server has, nor of ephemeral events', async () => {
  const client = await fork.present.client(['news', 'other']);
  await fork.old.hub.publish('news', { type: 'n', data: 2 }, { ephemeral: true });
  await publish(fork.old, 'other', 3);
  await fork.scene.switchOver();
  await client.waitFor(1);
  await publish(fork.old, 'news', 4);
  await client.waitFor(2);
  expect(told(client.messages)).toEqual([gapOf('other'), 4]);
});

it('tells them nothing where no notice is given (control)', async () => {
  jest.spyOn(LossWatch.prototype, 'failedOver').mockReturnValue(undefined);
  const client = await fork.present.client(['news']);
  await publish(fork.old, 'news', 2);
  await fork.scene.switchOver();
  await publish(fork.old, 'news', 3);
  await client.waitFor(1);
  expect(told(client.messages)).toEqual([3]);
});

describe('an audit behind a fork', () => {
  /** The new server has an event where the old one had announced others. @returns how many announcements count as lost */
  async function lookAgain(): Promise<number> {
    const client = await fork.old.client(['news', 'other']);
    await publish(fork.present, 'news', 10);
    await publish(fork.old, 'other', 2);
    await client.waitFor(1);
    await fork.scene.switchOver();
    await client.waitFor(3);
    expect(told(client.messages)).toEqual([2, gapOf('other'), 10]);
    await fork.old.hub['node'].shards.home['lossWatch']['audit'].finish();
    return fork.old.hub.stats().announcementsLost;
  }

  it('takes no event of the new server for a lost announcement of the old one', async () => {
    expect(await lookAgain()).toBe(0);
  });

  it('takes it for one where it does not know of the fork (control)', async () => {
    jest.spyOn(Audit.prototype, 'forkedAt').mockReturnValue(undefined);
    expect(await lookAgain()).toBe(1);
  });
});
