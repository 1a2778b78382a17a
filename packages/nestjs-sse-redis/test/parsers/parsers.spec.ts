import {
  forEachAdapter,
  Random,
  RedisServer,
  startApp,
  until,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { TestBrowser } from '@nestjs-sse-redis/testing/browser';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { InvalidEventError, SourceFailedError, type PipeItem, type SseEventInput } from 'nestjs-sse-redis';
import type { Page } from 'puppeteer-core';
import { parseEventId } from '../../src/event/position.js';
import { problemsOfBody } from './chunks.js';
import { expectedOf } from './comparison.js';
import { fuzzModule } from './fuzz.app.js';
import {
  attempts,
  hostileChannels,
  INJECTED_TYPES,
  largeData,
  PAYLOAD_BYTES,
  type Attempt,
} from './hostile-events.js';
import { naiveEncoders, publishNaively } from './naive-encoders.js';
import { Session } from './session.js';

const EVENTS = 300;
/** How sources end that are piped: by themselves, by what they throw, by what the hub refuses. */
const endings = [
  { rejects: undefined, code: undefined, last: () => undefined },
  {
    rejects: SourceFailedError,
    code: 'SOURCE_FAILED',
    last: () => {
      throw new Error('\n\nevent: x\ndata: secret\n\n');
    },
  },
  {
    rejects: InvalidEventError,
    code: 'STREAM_FAILED',
    last: () => ({ type: 'a\n\ndata: x', data: '\n\ndata: x' }),
  },
];

function itemOf({ type, data }: SseEventInput): PipeItem {
  return type || typeof data !== 'string' ? { ...(type && { type }), data } : data;
}

async function* sourceOf(
  items: readonly PipeItem[],
  last: () => PipeItem | undefined,
): AsyncGenerator<PipeItem> {
  yield* items;
  await Promise.resolve();
  const item = last();
  if (item !== undefined) yield item;
}

/** Two batches that are the same every time, and one that never was; `FUZZ_SEED` repeats it. */
const seeds = [1, 2, Number(process.env.FUZZ_SEED ?? new Random().seed) | 0];

let redis: RedisServer;
let chromium: TestBrowser;
beforeAll(async () => {
  [redis, chromium] = await Promise.all([RedisServer.start(), TestBrowser.start('chromium')]);
});
afterAll(() => Promise.all([redis.stop(), chromium.stop()]));

forEachAdapter((adapter) => {
  const prefix = randomUUID();
  let running: RunningApp;
  let page: Page;
  let session: Session | undefined;

  beforeAll(async () => {
    const limits = { payloadBytes: PAYLOAD_BYTES, bufferedBytes: 64 * 1_048_576 };
    // No heartbeat comes in between, so that positions are the ones of events. Readers are to come back at once.
    const quiet = { heartbeatInterval: 3_600_000, history: { ttl: 86_400_000, maxLength: 10_000 } };
    running = await startApp(fuzzModule({ prefix, redis: redis.url, retry: 1, limits, ...quiet }), adapter);
    page = await chromium.browser.newPage();
    await page.goto(`${running.url}/page`);
  });
  afterEach(async () => {
    await session?.close();
    session = undefined;
  });
  afterAll(async () => {
    await page.close();
    // Browsers open a connection in advance, and Node waits seconds for a request on it.
    (running.app.getHttpServer() as Server).closeAllConnections();
    await running.close();
  });

  async function open(channels: readonly string[], types: readonly unknown[]): Promise<Session> {
    const names = types.filter((type) => typeof type === 'string').map((type) => type.toWellFormed());
    session = await Session.open(running, page, channels, [
      ...new Set([...names.filter((name) => name !== ''), ...INJECTED_TYPES]),
    ]);
    return session;
  }

  /** The ids of the last events in the log of a channel: Redis' own, not through the hub. */
  async function lastIds(channel: string, count: number): Promise<string[]> {
    const key = `{${prefix}}:log:${channel}`;
    const entries = await redis.cli('XREVRANGE', key, '+', '-', 'COUNT', count);
    return (entries as [string][]).map(([id]) => id).toReversed();
  }

  it.each(seeds)(
    'every parser reads exactly what was published, live and replayed (seed %i)',
    async (seed) => {
      const channels = fc.sample(hostileChannels, { seed, numRuns: 3 }).map((name, i) => `${name}${i}`);
      const live = fc.sample(attempts(channels), { seed, numRuns: EVENTS });
      const away = fc.sample(attempts(channels), { seed: seed + 1, numRuns: EVENTS });
      const piped = fc.sample(attempts(channels), { seed: seed + 2, numRuns: 60 });
      const all = [...live, ...away, ...piped];
      expect(all.filter(({ refusal }) => refusal).length).toBeGreaterThan(EVENTS / 10);
      const session = await open(
        channels,
        all.map(({ event }) => event.type),
      );
      const { hub, expected, gate, bytes } = session;

      // Live.
      const before = await hub.cursor();
      const sent = await session.publish(live);
      expected.push(...sent);
      expect(await session.problems()).toEqual([]);
      const first = [...session.gapsIn(bytes.dispatched), ...expected];

      // From the memory of the process, while others are live.
      const late = session.openLate(before);
      const logged = sent.filter(({ ephemeral }) => !ephemeral);
      await until(() => late.dispatched.length >= logged.length);
      await late.close();
      expect(problemsOfBody(Buffer.concat(late.bodies[0]!), logged, seed)).toEqual([]);

      // From the log. What everybody gives as its position is that of the last event, or one that the hub has sent behind
      // it, as it does when connections have caught up; and nothing in the data of events.
      const positions = await session.cut();
      const now = await hub.cursor();
      expect([...positions.keys()].toSorted()).toEqual(['Chromium', 'bytes', 'eventsource', 'undici']);
      for (const lastEventId of positions.values()) {
        const position = parseEventId(lastEventId ?? '');
        expect(position).toBeGreaterThanOrEqual(parseEventId(sent.at(-1)!.id)!);
        expect(position).toBeLessThanOrEqual(parseEventId(now)!);
      }
      const missed = (await session.publish(away)).filter(({ ephemeral }) => !ephemeral);
      expected.push(...missed);
      gate.open();
      expect(await session.problems()).toEqual([]);

      // Piped, with the events that the hub sends of itself. After the end of all channels streams end: to a closed gate.
      gate.close();
      const arrived = gate.arrivals.length;
      for (const [i, channel] of channels.entries()) {
        const items = piped
          .filter(({ refusal, event }) => !refusal && event.channel === channel)
          .map(({ event }) => itemOf(event));
        const { rejects, code, last } = endings[i]!;
        const outcome = await hub.pipe(channel, sourceOf(items, last)).catch((error: unknown) => error);
        expect(outcome?.constructor).toBe(rejects);
        const events: SseEventInput[] = [
          ...items.map((item) => (typeof item === 'string' ? { data: item } : item)),
          ...(code ? [{ type: 'error', data: { channel, code } }] : []),
          { type: 'end', data: { channel } },
        ];
        const ids = await lastIds(channel, events.length);
        expected.push(...events.map((event, i) => expectedOf(event, ids[i]!)));
      }
      expect(await session.problems()).toEqual([]);
      const end = expected.at(-1)!.id;
      expect(new Set((await session.comeBack(arrived)).values())).toEqual(new Set([end]));

      // The bytes of both connections, in other chunks.
      const second = expected.slice(sent.length);
      const bodies = bytes.bodies.map((chunks) => Buffer.concat(chunks));
      expect(bodies).toHaveLength(2);
      expect(problemsOfBody(bodies[0]!, first, seed)).toEqual([]);
      expect(problemsOfBody(bodies[1]!, second, seed)).toEqual([]);
      // And in the end there is nothing more.
      expect(await session.problems()).toEqual([]);
    },
  );

  it('every parser reads data of many chunks', async () => {
    const session = await open(['large'], []);
    const events = largeData().map((data): Attempt => ({
      event: { channel: 'large', data },
      refusal: undefined,
    }));
    session.expected.push(...(await session.publish(events)));
    expect(await session.problems()).toEqual([]);
    const { bytes, expected } = session;
    const all = [...session.gapsIn(bytes.dispatched), ...expected];
    expect(problemsOfBody(Buffer.concat(bytes.bodies[0]!), all, 1)).toEqual([]);
  });

  describe.each(naiveEncoders)('without protection, by an encoder that $does', ({ encode, traps }) => {
    const types = ['a', ...traps.map(({ event }) => event.type)];

    it('every reader shows it, for every event that brings it out', async () => {
      const session = await open(['twin'], types);
      const noticed: string[][] = [];
      for (const { event, refusal } of traps) {
        const names = await session.readersThatNotice(async () => {
          const id = await publishNaively(session.hub, 'twin', event, encode);
          return refusal ? [] : [expectedOf(event, id)];
        });
        noticed.push(names);
      }
      expect(noticed).toEqual(traps.map(() => ['bytes', 'eventsource', 'undici', 'Chromium']));
    });

    it('and none shows anything when the hub publishes the same', async () => {
      const session = await open(['twin'], types);
      for (const { event, refusal } of traps) {
        const attempt = { event: { ...event, channel: 'twin' }, refusal };
        expect(await session.readersThatNotice(() => session.publish([attempt]))).toEqual([]);
      }
    });
  });

  it('parsers of bytes show the retry times and comments that an encoder without protection lets in', async () => {
    const session = await open(['twin'], []);
    const { encode } = naiveEncoders[0]!;
    const data = 'a\nretry: 86400000\n: comment\nx: y\n\rid: evil';
    await publishNaively(session.hub, 'twin', { data }, encode);
    await session.haveRead((await session.publish([]))[0]!.id);
    const body = Buffer.concat(session.bytes.bodies[0]!);
    const problems = problemsOfBody(body, session.bytes.dispatched, 1).join('\n');
    expect(problems).toContain('there is a CR on the wire');
    for (const parser of ['eventsource-parser', 'our SseParser']) {
      expect(problems).toMatch(new RegExp(`${parser}, in one piece: retry times: [12], 86400000`));
      expect(problems).toMatch(new RegExp(`${parser}, byte by byte: comment "comment"`));
    }
    expect(problems).toContain('Unknown field "x"');
  });
});
