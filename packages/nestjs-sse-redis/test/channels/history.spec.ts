import { until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import {
  defineChannel,
  type ChannelDefinitionFields,
  type SseHub,
  type SseRedisOptions,
} from 'nestjs-sse-redis';
import { z } from 'zod';
import { brokers, Hubs, Listener } from '../hub/hubs.js';

const TOKENS = 20_000;
/** Redis trims in blocks of 100 entries (`stream-node-max-entries`). */
const BLOCK = 100;

const answers = defineChannel('answer:{id}', {
  events: { message: z.string() },
  history: { maxLength: 25_000 },
});
const passing = defineChannel('passing:{id}', { history: { ttl: 2_000, ttlAfterEnd: 1_000 } });
const short = defineChannel('short:{id}', { history: { maxLength: 10 } });

describe.each(brokers)('the history of a definition over $broker', ({ broker }) => {
  const hubs = Hubs.over(broker);
  const prefix = { prefix: '' };
  beforeEach(() => (prefix.prefix = randomUUID()));
  const start = async (
    channels: ChannelDefinitionFields[],
    maxLength = 1_000,
    more: SseRedisOptions = {},
  ) => {
    const history = { maxLength };
    return (await hubs.start({ ...prefix, channels, history, publishTimeout: 60_000, ...more })).hub;
  };

  /** All that a reader from after an id gets, until the end of the run. */
  async function readAll(hub: SseHub, channel: string, after: string): Promise<Listener> {
    const listener = new Listener(hub.events(channel, { after }));
    hubs.closeLater(() => listener.unsubscribe());
    await until(() => listener.completed);
    return listener;
  }

  const tokens = Array.from({ length: TOKENS }, (_, i) => `token ${i}`);

  it('keeps 20,000 tokens of one channel, which are read from the start without a gap', async () => {
    const hub = await start([answers]);
    const before = await hub.cursor();
    await hub.pipe(answers({ id: 1 }), tokens);
    const { data, events } = await readAll(hub, 'answer:1', before);
    expect(data.slice(0, -1)).toEqual(tokens);
    expect(events.filter(({ type }) => type === 'gap')).toEqual([]);
    const read: unknown[] = [];
    for (let after = before; ;) {
      const page = await hub.history(answers({ id: 1 }), { after, limit: 1_000 });
      expect(page.gap).toBe(false);
      if (page.events.length === 0) break;
      read.push(...page.events.map(({ data }) => data));
      after = page.cursor;
    }
    expect(read.slice(0, -1)).toEqual(tokens);
  });

  it('loses the first tokens without the definition, and says so (negative control)', async () => {
    const hub = await start([]);
    const before = await hub.cursor('answer:1');
    await hub.pipe('answer:1', tokens);
    const { data, events } = await readAll(hub, 'answer:1', before);
    expect(events[0]).toMatchObject({ type: 'gap', data: { channel: 'answer:1', from: before } });
    expect(data.length).toBeLessThan(1_000 + 2 * BLOCK);
  });

  it('keeps fewer than the module says, and tells a gap of what was trimmed', async () => {
    const hub = await start([short]);
    const before = await hub.cursor();
    await hub.publishMany(tokens.slice(0, 500).map((data) => ({ channel: 'short:1', data })));
    const page = await hub.history(short({ id: 1 }), { after: before, limit: 1_000 });
    expect(page.gap).toBe(true);
    expect(page.events.length).toBeGreaterThanOrEqual(10);
    expect(page.events.length).toBeLessThanOrEqual(10 + BLOCK);
    expect(page.events.at(-1)).toMatchObject({ data: 'token 499' });
  });

  it('is that of each channel, though their events are published together', async () => {
    const hub = await start([answers, short], 200);
    const channels = ['answer:1', 'short:1', 'plain'];
    const { events: none } = await hub.history('plain');
    expect(none).toEqual([]);
    await hub.publishMany(
      Array.from({ length: 800 }, (_, i) =>
        channels.map((channel) => ({
          channel,
          type: 'message',
          data: 'x',
          ...(i % 3 === 0 && { idempotencyKey: String(i) }),
        })),
      ).flat(),
    );
    const [answer, brief, plain] = await Promise.all(
      channels.map(async (channel) => (await hub.history(channel, { limit: 1_000 })).events.length),
    );
    expect(answer).toBe(800);
    expect(brief).toBeLessThanOrEqual(10 + BLOCK);
    expect(plain).toBeGreaterThanOrEqual(200);
    expect(plain).toBeLessThanOrEqual(200 + BLOCK);
  });

  it('repeats no publish with an idempotency key, whatever its length', async () => {
    const hub = await start([short]);
    const options = { idempotencyKey: 'once' };
    const first = await hub.publish(short({ id: 1 }), 'a', 1, options);
    expect(await hub.publish('short:1', { data: 2 }, options)).toEqual(first);
    expect((await hub.history('short:1')).events).toHaveLength(1);
  });

  it('is gone after the time of the definition, and a client that lacks it is told', async () => {
    const hub = await start([passing], undefined, { auditInterval: 500 });
    const before = await hub.cursor();
    const { id } = await hub.publish(passing({ id: 1 }), 'a', 1);
    await hub.publish('plain', { data: 1 });
    await hub.pipe(passing({ id: 2 }), ['token']);
    const eventsOf = async (channel: string) => (await hub.history(channel, { after: before })).events.length;
    await until(async () => (await eventsOf('passing:1')) === 0 && (await eventsOf('passing:2')) === 0);
    const gapOf = async (channel: string, after: string) => (await hub.history(channel, { after })).gap;
    expect(await gapOf('passing:1', before)).toBe(true);
    expect(await gapOf('passing:2', before)).toBe(true);
    expect(await gapOf('passing:1', id)).toBe(false);
    expect(await gapOf('passing:3', before)).toBe(false);
    expect(await gapOf('plain', before)).toBe(false);
    const { id: next } = await hub.publish(passing({ id: 1 }), 'a', 2);
    const lacking = new Listener(hub.events('passing:1', { after: before }));
    hubs.closeLater(() => lacking.unsubscribe());
    await until(() => lacking.events.length === 2);
    expect(lacking.events).toMatchObject([{ type: 'gap', data: { from: before } }, { id: next }]);
  });

  it('has to last until lost announcements were looked for', async () => {
    const hasty = defineChannel('hasty:{id}', { history: { ttl: 5_000, ttlAfterEnd: 6_000 } });
    await expect(start([hasty])).rejects.toThrow(
      'history.ttl of "hasty:{id}" (5000) and history.ttlAfterEnd of "hasty:{id}" (6000) must be at least twice auditInterval (30000)',
    );
  });

  it('says for how long a run is remembered after its end', async () => {
    const hub = await start([passing], undefined, { auditInterval: 500 });
    await (await hub.run('passing:1', () => ['token'])).outcome();
    expect((await hub.runOf('passing:1'))?.state).toBe('done');
    await until(async () => (await hub.runOf('passing:1')) === undefined);
  });

  if (broker !== 'memory') {
    it('trims where a deploy lowers it, and tells a client from before a gap', async () => {
      const old = await start([answers]);
      const { id } = await old.publish(answers({ id: 1 }), 'message', 'first');
      await old.publishMany(
        tokens.slice(0, 3_000).map((data) => ({ channel: 'answer:1', type: 'message', data })),
      );
      expect((await old.history('answer:1', { after: id, limit: 5 })).gap).toBe(false);
      const lowered = await start([defineChannel('answer:{id}', { history: { maxLength: 50 } })]);
      await lowered.publish('answer:1', { data: 'last' });
      const listener = new Listener(lowered.events('answer:1', { after: id }));
      hubs.closeLater(() => listener.unsubscribe());
      await until(() => listener.data.at(-1) === 'last');
      const [gap, ...rest] = listener.events;
      expect(gap).toMatchObject({ type: 'gap', data: { from: id } });
      expect(rest.length).toBeGreaterThanOrEqual(50);
      expect(rest.length).toBeLessThanOrEqual(50 + BLOCK);
    });
  }
});
