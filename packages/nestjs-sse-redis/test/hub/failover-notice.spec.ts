import { jest } from '@jest/globals';
import { Audit } from '../../src/delivery/losses/audit.js';
import { LossWatch } from '../../src/delivery/losses/loss-watch.js';
import type { SseNode } from '../../src/sse-node.js';
import { FailoverScene, publish, told } from './failover-scene.js';
import { Hubs, type TestHub } from './hubs.js';

const hubs = Hubs.over('redis');
let scene: FailoverScene;
/** A process that is connected to the old server until it is switched over, and one at the new server. */
let old: TestHub;
let present: TestHub;

beforeEach(async () => {
  scene = await FailoverScene.start(hubs);
  old = scene.test;
  await publish(old, 'news', 1);
  await scene.promote();
  present = await scene.joinNew();
});
afterEach(() => jest.restoreAllMocks());

const gapOf = (channel: string) => ({ channel, to: expect.any(String) });

it('tells clients that never were at the old server of what it acknowledged and nobody heard', async () => {
  const client = await present.client(['news', 'quiet']);
  const before = client.lastEventId;
  await publish(present, 'news', 10);
  await publish(old, 'news', 2);
  await scene.switchOver();
  await client.waitFor(2);
  await publish(old, 'quiet', 3);
  await client.waitFor(3);
  expect(told(client.messages)).toEqual([10, gapOf('news'), 3]);
  expect(present.hub.stats().gaps.failover).toBe(1);

  // Those that come back later are told as they come, and newcomers have nothing to be told of.
  for (const process of [old, present]) {
    const back = await process.client(['news', 'quiet'], { lastEventId: before });
    await back.waitFor(3);
    expect(told(back.messages).slice(0, 3)).toEqual([gapOf('news'), 10, 3]);
    const newcomer = await process.client(['news']);
    const id = await publish(present, 'news', 4);
    await newcomer.waitFor(1);
    expect(told(newcomer.messages)).toEqual([4]);
    // The notice is older than this id.
    const later = await process.client(['news'], { lastEventId: id });
    await publish(present, 'news', 5);
    await later.waitFor(1);
    expect(told(later.messages)).toEqual([5]);
  }
});

it('tells each client once where its own process, or several, know of the loss', async () => {
  const client = await old.client(['news']);
  const other = await present.client(['news']);
  await publish(old, 'news', 2);
  await client.waitFor(1);
  await scene.switchOver();
  await other.waitFor(1);
  const again = await hubs.start({ redis: scene.next.url, prefix: scene.prefix });
  await publish(again, 'news', 11);
  await Promise.all([client.waitFor(3), other.waitFor(2)]);
  expect(told(client.messages)).toEqual([2, gapOf('news'), 11]);
  expect(told(other.messages)).toEqual([gapOf('news'), 11]);
});

it('tells of nothing that the new server has, nor of ephemeral events', async () => {
  const client = await present.client(['news', 'other']);
  await old.hub.publish('news', { type: 'n', data: 2 }, { ephemeral: true });
  await publish(old, 'other', 3);
  await scene.switchOver();
  await client.waitFor(1);
  await publish(old, 'news', 4);
  await client.waitFor(2);
  expect(told(client.messages)).toEqual([gapOf('other'), 4]);
});

it('tells them nothing where no notice is given (control)', async () => {
  jest.spyOn(LossWatch.prototype, 'failedOver').mockReturnValue(undefined);
  const client = await present.client(['news']);
  await publish(old, 'news', 2);
  await scene.switchOver();
  await publish(old, 'news', 3);
  await client.waitFor(1);
  expect(told(client.messages)).toEqual([3]);
});

describe('an audit behind a fork', () => {
  /** The new server has an event where the old one had announced others. @returns how many announcements count as lost */
  async function lookAgain(): Promise<number> {
    const client = await old.client(['news', 'other']);
    await publish(present, 'news', 10);
    await publish(old, 'other', 2);
    await client.waitFor(1);
    await scene.switchOver();
    await client.waitFor(3);
    expect(told(client.messages)).toEqual([2, gapOf('other'), 10]);
    await (old.hub['node'] as SseNode)['lossWatch']['audit'].finish();
    return old.hub.stats().announcementsLost;
  }

  it('takes no event of the new server for a lost announcement of the old one', async () => {
    expect(await lookAgain()).toBe(0);
  });

  it('takes it for one where it does not know of the fork (control)', async () => {
    jest.spyOn(Audit.prototype, 'forkedAt').mockReturnValue(undefined);
    expect(await lookAgain()).toBe(1);
  });
});
