import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { until } from '@nestjs-sse-redis/testing';
import { RoomsProcess } from '../registry/rooms-process.js';
import { failureOf, Hubs, type TestHub } from './hubs.js';

const PUBLISH_TIMEOUT = 2_000;
/** Longer than that, and shorter than the `socketTimeout` of ioredis, which is twice as long and ends the connection. */
const BLOCKED_MS = 3_000;
/** How long another process may take to answer, as docs/guarantees.md says. */
const ANSWER_TIMEOUT = 2_000;

/** As a handler that computes does, but it leaves the processor to those whose answer is to arrive meanwhile. */
function blockEventLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** The negative control: time is up when the timer says so, and no socket is read before. */
function giveUpAtOnce(): void {
  jest.spyOn(globalThis, 'setImmediate').mockImplementation(((
    go: (...args: unknown[]) => void,
    ...args: unknown[]
  ) => {
    // After what is being done, and before any socket is read.
    process.nextTick(() => go(...args));
    return {} as NodeJS.Immediate;
  }) as typeof setImmediate);
}

describe('an event loop that was blocked while an answer arrived', () => {
  const hubs = Hubs.over('redis');

  afterEach(() => jest.restoreAllMocks());

  async function publishAndBlock(): Promise<{ test: TestHub; publishing: Promise<{ id: string }> }> {
    const test = await hubs.start({ publishTimeout: PUBLISH_TIMEOUT });
    await test.hub.publish('a', { data: 1 });
    const publishing = test.hub.publish('a', { data: 2 });
    publishing.catch(() => undefined);
    // It is sent in this tick, whose end comes after its promises.
    await new Promise((resolve) => process.nextTick(resolve));
    blockEventLoop(BLOCKED_MS);
    return { test, publishing };
  }

  it('resolves a publish that Redis answered in time', async () => {
    const { test, publishing } = await publishAndBlock();
    await expect(publishing).resolves.toEqual({ id: expect.any(String) as string });
    expect(await test.dataIn('a')).toEqual([1, 2]);
  });

  it('would report an unknown outcome, if the answer were not read first (negative control)', async () => {
    giveUpAtOnce();
    const { publishing } = await publishAndBlock();
    expect(await failureOf(publishing)).toMatchObject({ code: 'PUBLISH_OUTCOME_UNKNOWN' });
  });

  /** Asks another process, and blocks until it has answered. */
  async function askAndBlock(): Promise<{ asking: Promise<unknown> }> {
    const prefix = randomUUID();
    const { hub } = await hubs.start({ prefix });
    const other = await RoomsProcess.start('express', { prefix, redis: hubs.redis.url });
    hubs.closeLater(() => other.stop());
    const waiting = hub['node'].control['rpc']['waiting'];
    other.app.pause();
    const asking = hub.reauthorize({ user: 'anna' });
    asking.catch(() => undefined);
    await until(() => waiting.size > 0);
    // Commands are answered in order: after this one it waits for the other process.
    await hub.cursor();
    other.app.resume();
    blockEventLoop(ANSWER_TIMEOUT + 500);
    return { asking };
  }

  it('takes the answer of another process that came in time', async () => {
    const { asking } = await askAndBlock();
    await expect(asking).resolves.toBeUndefined();
  });

  it('would take that process for silent, if the answer were not read first (negative control)', async () => {
    giveUpAtOnce();
    const { asking } = await askAndBlock();
    expect(await failureOf(asking)).toMatchObject({ code: 'NODE_UNREACHABLE' });
  });
});
