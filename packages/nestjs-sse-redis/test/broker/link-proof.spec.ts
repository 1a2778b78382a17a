import { TcpProxy, until, useRedis } from '@nestjs-sse-redis/testing';
import type { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard, publication, publishAll } from './broker-set-ups.js';

/** Long enough for a busy machine to answer a probe. */
const PROBE_INTERVAL = 2_000;
const LONG = 60_000;
const NODE = { id: 'n1', host: 'here', pid: 1 };

/** Knows what the last event of the hub was, as the listener of a node does. */
class Listener extends Heard {
  readonly lastEvents: (number | undefined)[] = [];
  renew: (() => unknown) | undefined;

  override watermark(position: number, lastEvent?: number): void {
    super.watermark(position);
    this.lastEvents.push(lastEvent);
  }
  proofDue(): void {
    this.renew?.();
  }
}

describe('a link that renewals of the lease prove', () => {
  const redis = useRedis();
  let prefix: string;
  let heard: Listener;
  let broker: RedisBroker;
  let admin: Redis;
  /** What was published to the node itself. */
  let probes: string[];

  beforeEach(async () => {
    prefix = randomUUID();
    heard = new Listener();
    const options = resolveOptions({ redis: redis.url, prefix, probeInterval: PROBE_INTERVAL });
    broker = new RedisBroker(redis.url, options, NODE.id);
    admin = redis.client();
    probes = [];
    admin.on('message', (_channel: string, message: string) => probes.push(message));
    await admin.subscribe(`{${prefix}}:live:0:p:${NODE.id}`);
    await broker.start(heard);
    await until(() => heard.watermarks.length === 1 && probes.length === 1);
    probes.length = 0;
  });
  afterEach(async () => {
    await broker.close();
    admin.disconnect();
  });

  const renew = () => broker.registry.renew(NODE, LONG);
  /** Renews once a proof is due, as a node does. */
  const renewWhenDue = () =>
    new Promise<unknown>((resolve) => (heard.renew = () => ((heard.renew = undefined), resolve(renew()))));

  it('gets a probe with the renewal when one is due, and none before', async () => {
    await renew();
    expect(probes).toEqual([]);
    await renewWhenDue();
    await until(() => heard.watermarks.length === 2 && probes.length === 1);
    await renew();
    expect(probes).toHaveLength(1);
  });

  it('is probed without a renewal where nobody renews', async () => {
    await until(() => probes.length >= 2, { timeout: 10 * PROBE_INTERVAL });
    expect(heard.watermarks.length).toBeGreaterThan(1);
  });

  it('says with each probe what the last event of the hub was, and probes are none', async () => {
    const [position] = await publishAll(broker, publication('news', 'hello'));
    await renewWhenDue();
    await until(() => heard.watermarks.length === 2);
    await renewWhenDue();
    await until(() => heard.watermarks.length === 3);
    expect(heard.lastEvents.slice(1)).toEqual([position, position]);
    expect(heard.watermarks[2]).toBeGreaterThan(heard.watermarks[1]!);
  });

  /** Publishes until the renewal that is due has been made. */
  async function publishUntilRenewed(channel: string): Promise<number> {
    const renewed = { done: false };
    const renewal = renewWhenDue().then(() => (renewed.done = true));
    let last = 0;
    while (!renewed.done) {
      [last] = (await publishAll(broker, publication(channel, 'hello'))) as [number];
      await pause(10);
    }
    await renewal;
    return last;
  }

  it('is proven by an event that arrived and is the last, and gets no probe', async () => {
    await broker.subscribe('news');
    let withoutProbe = 0;
    // Now and then the last event is still on its way at the moment of the renewal.
    await until(
      async () => {
        const before = heard.watermarks.length;
        probes.length = 0;
        await publishUntilRenewed('news');
        await until(() => heard.watermarks.length > before);
        if (probes.length === 0) withoutProbe++;
        return withoutProbe === 2;
      },
      { timeout: 20 * PROBE_INTERVAL },
    );
    const mark = heard.watermarks.at(-1)!;
    expect(heard.events.some(({ record }) => record.position === mark)).toBe(true);
  });

  /** The positions of the first proof since the start, and of the first probe. */
  async function firstProof(): Promise<{ proof: number; probe: number }> {
    await until(() => heard.watermarks.length >= 2 && probes.length >= 1);
    return { proof: heard.watermarks[1]!, probe: Number(probes[0]!.split(' ')[0]) };
  }

  it('is not proven by an event that did not arrive', async () => {
    await broker.subscribe('news');
    await publishAll(broker, publication('news', 'arrives'));
    await publishUntilRenewed('of others');
    const { proof, probe } = await firstProof();
    // Not an event, and not with a later probe.
    expect(proof).toBe(probe);
  });

  it('is not proven by an event of some time ago', async () => {
    await broker.subscribe('news');
    await publishAll(broker, publication('news', 'once'));
    await until(() => heard.events.length === 1);
    // An interval later it is too old.
    await renewWhenDue();
    const { proof, probe } = await firstProof();
    // Not an event, and not with a later probe.
    expect(proof).toBe(probe);
  });

  it('rests for longer on a renewal with a slower pace, and is proven at once by the next with a faster one', async () => {
    const slow = { pace: 1_000 };
    await new Promise<void>((resolve) => {
      heard.renew = () => (
        (heard.renew = undefined),
        resolve(broker.registry.renew(NODE, LONG, slow).then(() => undefined))
      );
    });
    await until(() => heard.watermarks.length === 2);
    probes.length = 0;
    for (let i = 0; i < 3; i++) {
      await pause(PROBE_INTERVAL);
      await broker.registry.renew(NODE, LONG, slow);
    }
    expect(probes).toEqual([]);
    await renew();
    await until(() => heard.watermarks.length === 3 && probes.length > 0);
    expect(probes).toHaveLength(1);
  });

  it('is proven, and the lease renewed, while the memory of Redis is full', async () => {
    await renew();
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
    try {
      await renewWhenDue();
      await until(() => heard.watermarks.length === 2 && probes.length > 0);
      expect(probes).toHaveLength(1);
    } finally {
      await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
    }
  });
});

describe('a link over a network, or to a Redis, that takes longer than the interval', () => {
  const redis = useRedis();

  it('is not taken for deaf: a probe is missed only once Redis has published it', async () => {
    const interval = 200;
    const proxy = await TcpProxy.start({ target: redis.port });
    const url = `redis://127.0.0.1:${proxy.port}`;
    const options = resolveOptions({ redis: url, prefix: randomUUID(), probeInterval: interval });
    const broker = new RedisBroker(url, options, NODE.id);
    const heard = new Listener();
    try {
      await broker.start(heard);
      proxy.delay(3 * interval);
      const before = heard.watermarks.length;
      await until(() => heard.watermarks.length >= before + 5, { timeout: 60_000 });
      expect(heard.link).toEqual([]);
    } finally {
      await broker.close();
      await proxy.stop();
    }
  });
});
