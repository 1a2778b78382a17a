import { Stopwatch, TcpProxy, until } from '@nestjs-sse-redis/testing';
import {
  PublishOutcomeUnknownError,
  RedisRefusedError,
  RedisUnavailableError,
  type PublisherOptions,
} from '../../src/publisher/index.js';
import { failureOf, Hubs } from '../hub/hubs.js';
import { Scene } from './publishers.js';

const hubs = Hubs.over('redis');
/** Redis answers within it on a busy machine, too. */
const PUBLISH_TIMEOUT = 2_000;
/** How much longer a rejection may take on a busy machine. */
const MARGIN = 2_000;

async function throughProxy(options: Partial<PublisherOptions> = {}) {
  const scene = await Scene.start(hubs);
  const proxy = await TcpProxy.start({ target: hubs.redis.port });
  hubs.closeLater(() => proxy.stop());
  const redis = `redis://127.0.0.1:${proxy.port}`;
  const publisher = scene.publisher({ redis, publishTimeout: PUBLISH_TIMEOUT, ...options });
  return { scene, proxy, publisher };
}

describe('a publisher whose Redis is away', () => {
  it('rejects the first publish in time, with the reason, and publishes later ones', async () => {
    const { scene, proxy, publisher } = await throughProxy();
    await proxy.refuse(true);
    const watch = Stopwatch.start();
    const failure = await failureOf(publisher.publish('a', { data: 'refused' }));
    expect(watch.stop()).toBeLessThan(PUBLISH_TIMEOUT + MARGIN);
    expect(failure).toBeInstanceOf(RedisUnavailableError);
    expect(failure.message).toMatch(/does not answer \(.*ECONNREFUSED.*\): nothing was done/);
    await proxy.refuse(false);
    await until(() => publisher.publish('a', { data: 'after' }, { idempotencyKey: 'after' }));
    expect(await scene.test.dataIn('a')).toEqual(['after']);
  });

  it('waits for the connection, and publishes in order when it stands', async () => {
    const { scene, proxy, publisher } = await throughProxy({ publishTimeout: 60_000 });
    await proxy.refuse(true);
    const publishing = [1, 2, 3].map((data) => publisher.publish('a', { data }));
    await proxy.refuse(false);
    const ids = (await Promise.all(publishing)).map(({ id }) => id);
    const { events } = await scene.test.hub.history('a');
    expect(events.map(({ id, data }) => [id, data])).toEqual(ids.map((id, i) => [id, i + 1]));
  });

  it('waits as well where the connection is lost later, and sends nothing twice', async () => {
    const { scene, proxy, publisher } = await throughProxy({ publishTimeout: 60_000 });
    await publisher.publish('a', { data: 0 });
    await proxy.refuse(true);
    proxy.cut();
    // What is sent before the loss is noticed has an unknown outcome.
    await until(async () => {
      const failure = await Promise.race([failureOf(publisher.publish('a', { data: 'lost' })), soon()]);
      return !(failure instanceof PublishOutcomeUnknownError);
    });
    const publishing = publisher.publish('a', { data: 1 });
    await proxy.refuse(false);
    await publishing;
    expect((await scene.test.dataIn('a')).filter((data) => data !== 'lost')).toEqual([0, 1]);
  });

  it.each([
    ['stores an event once that is published again with its key, though the answer was lost', 'key', 1],
    ['stores it twice without a key (negative control)', undefined, 2],
  ])('%s', async (_, idempotencyKey, times) => {
    const { scene, proxy, publisher } = await throughProxy({ publishTimeout: 60_000 });
    await publisher.publish('a', { data: 0 });
    const publish = () => publisher.publish('a', { data: 1 }, idempotencyKey ? { idempotencyKey } : {});
    proxy.transform((direction, chunk, connection) => {
      if (direction === 'toServer' || !/evalsha/i.test(connection.head)) return chunk;
      connection.cut();
      return null;
    });
    expect(await failureOf(publish())).toBeInstanceOf(PublishOutcomeUnknownError);
    proxy.transform();
    await publish();
    expect(await scene.test.dataIn('a')).toEqual([0, ...Array.from({ length: times }, () => 1)]);
  });

  it('rejects with what Redis says where the password is wrong', async () => {
    const scene = await Scene.start(hubs);
    await hubs.redis.cli('ACL', 'SETUSER', 'wrong', 'on', '>pw', '~*', '&*', '+@all');
    const publisher = scene.publisher({
      redis: `redis://wrong:old@127.0.0.1:${hubs.redis.port}`,
      publishTimeout: PUBLISH_TIMEOUT,
    });
    const failure = await failureOf(publisher.publish('a', { data: 1 }));
    expect(failure).toBeInstanceOf(RedisUnavailableError);
    expect(failure.message).toContain('WRONGPASS');
  });

  it('rejects with what Redis says where a right is missing, before and after it has published', async () => {
    const scene = await Scene.start(hubs);
    await hubs.redis.cli('ACL', 'SETUSER', 'few', 'on', '>pw', '~other:*', '&*', '+@all');
    const publisher = scene.publisher({ redis: `redis://few:pw@127.0.0.1:${hubs.redis.port}` });
    const publish = () => publisher.publish('a', { data: 1 });
    expect(await failureOf(publish())).toMatchObject({ code: 'REDIS_FORBIDDEN' });
    await hubs.redis.cli('ACL', 'SETUSER', 'few', '~*');
    await publish();
    await hubs.redis.cli('ACL', 'SETUSER', 'few', 'resetkeys');
    const failure = await failureOf(publish());
    expect(failure).toBeInstanceOf(RedisRefusedError);
    expect(failure).toMatchObject({ code: 'REDIS_FORBIDDEN', statusCode: 503 });
    expect(failure.message).toMatch(/needs the rights ~\{.*\}:\*/);
    expect(await scene.test.dataIn('a')).toEqual([1]);
  });

  it('says REDIS_READONLY where the server stays a replica, and publishes once where it becomes the master in time', async () => {
    const { scene, publisher } = await throughProxy();
    const patient = scene.publisher({ publishTimeout: 60_000 });
    await publisher.publish('a', { data: 0 });
    await patient.publish('a', { data: 1 });
    await hubs.redis.cli('REPLICAOF', '127.0.0.1', 1);
    hubs.closeLater(() => hubs.redis.cli('REPLICAOF', 'NO', 'ONE'));
    await until(async () => {
      const failure = await failureOf(publisher.publish('a', { data: 'refused' }));
      // The last of its attempts may be on its way when its time is up.
      expect(['REDIS_READONLY', 'PUBLISH_OUTCOME_UNKNOWN']).toContain(failure['code']);
      return failure['code'] === 'REDIS_READONLY';
    });
    const publishing = patient.publish('a', { data: 2 });
    await hubs.redis.cli('REPLICAOF', 'NO', 'ONE');
    await publishing;
    expect(await scene.test.dataIn('a')).toEqual([0, 1, 2]);
  });

  it('does not take a slow Redis for a dead connection', async () => {
    const { scene, publisher } = await throughProxy({ publishTimeout: 60_000 });
    await publisher.publish('a', { data: 0 });
    const connections = async () => {
      const stats = String(await hubs.redis.cli('INFO', 'stats'));
      return /total_connections_received:(\d+)/.exec(stats)?.[1];
    };
    const before = await connections();
    await hubs.redis.cli('CLIENT', 'PAUSE', 6_500, 'WRITE');
    const watch = Date.now();
    const publishing = [publisher.publish('a', { data: 1 })];
    await until(() => Date.now() - watch > 5_500);
    publishing.push(publisher.publish('a', { data: 2 }));
    await Promise.all(publishing);
    expect(await connections()).toBe(before);
    expect(await scene.test.dataIn('a')).toEqual([0, 1, 2]);
  });

  it('closes within the time of a publish where nothing answers', async () => {
    const { proxy, publisher } = await throughProxy();
    await publisher.publish('a', { data: 0 });
    proxy.blackhole(true);
    const publishing = failureOf(publisher.publish('a', { data: 1 }));
    const watch = Stopwatch.start();
    await publisher.close();
    expect(watch.stop()).toBeLessThan(PUBLISH_TIMEOUT + MARGIN);
    expect(await publishing).toBeInstanceOf(PublishOutcomeUnknownError);
  });
});

/** Long enough for an answer that a closed connection gives at once. */
function soon(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}
