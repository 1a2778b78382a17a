import { until } from '@nestjs-sse-redis/testing';
import { setTimeout as delay } from 'node:timers/promises';
import type { PublisherOptions } from '../../src/publisher/index.js';
import { Hubs } from '../hub/hubs.js';
import { Scene } from './publishers.js';

const hubs = Hubs.over('redis');

/** A client that left before the last event of `news`, and comes back after a publisher has published to another channel. */
async function comeBack(history: PublisherOptions['history']) {
  const scene = await Scene.start(hubs);
  const { test } = scene;
  const { id } = await test.hub.publish('news', { data: 'seen' });
  await test.hub.publish('news', { data: 'missed' });
  // Longer than the shorter history.
  await delay(1_100);
  await scene.publisher(history && { history }).publish('other', { data: 1 });
  const client = test.hub.events('news', { after: id });
  const types: unknown[] = [];
  const subscription = client.subscribe(({ type, data }) => types.push(type ?? data));
  hubs.closeLater(() => subscription.unsubscribe());
  await until(() => types.length > 0);
  return { types, clock: await clockOf(scene) };
}

async function clockOf({ prefix }: Scene): Promise<unknown> {
  return hubs.redis.cli('HMGET', `{${prefix}}:clock`, 'retention', 'maxLength');
}

describe('the history that a publisher is not told', () => {
  it('is that of the hub, which stays as it is', async () => {
    expect(await comeBack(undefined)).toEqual({ types: ['missed'], clock: ['3600000', '1000'] });
  });

  it('would be shorter for all channels, with gaps, if it were another one (negative control)', async () => {
    const { types, clock } = await comeBack({ ttl: 1_000 });
    expect(types[0]).toBe('gap');
    expect(clock).toEqual(['1000', '1000']);
  });

  it('keeps as many events as the hub does, and more where no hub has said how many', async () => {
    const scene = await Scene.start(hubs, { history: { maxLength: 100 } });
    const publisher = scene.publisher();
    const events = Array.from({ length: 600 }, (_, i) => ({ channel: 'long', data: i }));
    await publisher.publishMany(events);
    // Redis trims in blocks of a hundred.
    expect(await lengthOf(scene)).toBeLessThanOrEqual(200);
    await hubs.redis.cli('HDEL', `{${scene.prefix}}:clock`, 'maxLength');
    await publisher.publishMany(events);
    expect(await lengthOf(scene)).toBeGreaterThanOrEqual(600);
    expect(await clockOf(scene)).toEqual(['3600000', null]);
    await scene.test.hub.publish('long', { data: 'the hub says it again' });
    expect(await clockOf(scene)).toEqual(['3600000', '100']);
    expect(await lengthOf(scene)).toBeLessThanOrEqual(200);
  });

  it('is told to publishers by the start of a hub, before it publishes anything', async () => {
    const scene = await Scene.start(hubs, { history: { maxLength: 7, ttl: 120_000 } });
    expect(await clockOf(scene)).toEqual(['120000', '7']);
  });

  it('is an hour where no hub has been, and that of the hub from its start on, without a gap', async () => {
    const first = await Scene.start(hubs);
    await first.test.running.close();
    await hubs.redis.cli('DEL', `{${first.prefix}}:clock`);
    const { id } = await first.publisher().publish('news', { data: 1 });
    expect(await clockOf(first)).toEqual(['3600000', null]);
    const { hub } = await hubs.start({ prefix: first.prefix, history: { ttl: 7_200_000, maxLength: 50 } });
    expect(await clockOf(first)).toEqual(['7200000', '50']);
    const page = await hub.history('news', { after: id });
    expect(page).toMatchObject({ events: [] });
  });
});

async function lengthOf({ prefix }: Scene): Promise<number> {
  return Number(await hubs.redis.cli('XLEN', `{${prefix}}:log:long`));
}
