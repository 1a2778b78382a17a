import { forEachAdapter, startApp, until, type RunningApp, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { SseHub, SseRegistry, type SseRedisOptions } from 'nestjs-sse-redis';
import { ResponseSink } from '../../src/response/response-sink.js';
import { formatGapFrame, formatPositionFrame } from '../../src/event/sse-frame.js';
import { begin, CLIENT_KINDS, faultsOf, receive, record, type Scene } from './cut-streams.js';
import { newsModule } from './news.app.js';

const redis = useRedis();

forEachAdapter((adapter) => {
  let running: RunningApp;
  let hub: SseHub;
  let number: number;
  const prototype = ResponseSink.prototype as unknown as Record<string, unknown>;
  const originals = { late: prototype.late, gap: prototype.gap };

  beforeEach(() => {
    number = 0;
  });
  afterEach(async () => {
    Object.assign(prototype, originals);
    await running.close();
  });

  async function start(options: SseRedisOptions = {}): Promise<void> {
    running = await startApp(newsModule({ prefix: randomUUID(), redis: redis.url, ...options }), adapter);
    hub = running.app.get(SseHub);
  }

  const url = (...channels: string[]) => `${running.url}/streams?channels=${channels.join(',')}`;

  /** Publishes an event to each of these channels, one after the other. @returns their keys */
  async function publish(...channels: string[]): Promise<string[]> {
    const events = channels.map((channel) => ({ channel, data: { key: `${channel}-${++number}` } }));
    const results = await hub.publishMany(events);
    expect(results.filter((result) => 'error' in result)).toEqual([]);
    return events.map(({ data }) => data.key);
  }

  /** Announcements of some channels do not arrive, until what is returned is called. */
  function loseAnnouncements(channels: readonly string[]): () => void {
    const { feeds } = hub['node'].shards.home;
    const announced = feeds.announced.bind(feeds);
    feeds.announced = (channel, event) => {
      if (!channels.includes(channel)) announced(channel, event);
    };
    return () => (feeds.announced = announced);
  }

  async function connectionId(): Promise<string> {
    const registry = running.app.get(SseRegistry);
    let id: string | undefined;
    await until(async () => (id = (await registry.list({})).connections[0]?.id) !== undefined);
    return id!;
  }

  const lastOf = (keys: readonly string[], channels: readonly string[]) =>
    channels.map((channel) => keys.findLast((key) => key.startsWith(`${channel}-`))!);

  async function faultsOfAll(scene: Scene, cutsAgain = 0): Promise<string[]> {
    const faults: string[] = [];
    for (const kind of CLIENT_KINDS) {
      for (const fault of await faultsOf(scene, kind, cutsAgain)) faults.push(`a client ${kind}: ${fault}`);
    }
    return faults;
  }

  /** Announcements are lost, newer events of other channels come, and what was lost comes late. */
  async function lateEvents(lost: readonly string[]): Promise<Scene> {
    const channels = ['a', 'b', 'c'];
    const first = await begin(url(...channels));
    const { lastEventId } = first;
    await first.close();
    const expected: string[] = [];
    const maybeLost: string[] = [];
    const bytes = await record(url(...channels), lastEventId, async (seen) => {
      await seen('event: position');
      expected.push(...(await publish('a', 'b', 'c')));
      await seen(expected.at(-1)!);
      const heal = loseAnnouncements(lost);
      for (let i = 0; i < 3; i++) maybeLost.push(...(await publish(...lost)));
      expected.push(...(await publish('b', 'b')));
      await seen(expected.at(-1)!);
      heal();
      expected.push(...(await publish(...channels)));
      for (const key of [...expected, ...maybeLost]) await seen(`"${key}"`);
    });
    const last = lastOf(expected, channels);
    expected.push(...maybeLost);
    return { url: url(...channels), start: lastEventId, bytes, expected, last, maybeLost };
  }

  /** Channels are added to a stream from before, in one call. */
  async function addedChannels(added: readonly string[]) {
    const after = await hub.cursor();
    const early = await publish(...added, ...added, added[0]!);
    const first = await begin(url('news'));
    const { lastEventId } = first;
    await first.close();
    const news: string[] = [];
    const bytes = await record(url('news'), lastEventId, async (seen) => {
      await seen('event: position');
      news.push(...(await publish('news', 'news')));
      await seen(news.at(-1)!);
      await hub.subscribe(await connectionId(), added, { after });
      for (const key of early) await seen(`"${key}"`);
      news.push(...(await publish('news')));
      await seen(news.at(-1)!);
    });
    return { lastEventId, bytes, early, news };
  }

  /** A client comes with an id that is still to come: each of its channels has a gap. */
  async function gapsAtOnce(): Promise<Scene> {
    await publish('a', 'b', 'c');
    const channels = ['a', 'b', 'c'];
    const ahead = '8000000000000-0';
    const expected: string[] = [];
    const bytes = await record(url(...channels), ahead, async (seen) => {
      for (const channel of channels) await seen(`{"channel":"${channel}"`);
      expected.push(...(await publish(...channels)));
      await seen(expected.at(-1)!);
    });
    return {
      url: url(...channels),
      start: ahead,
      bytes,
      expected,
      last: expected,
      gaps: channels,
      beginsAnew: true,
      maybeLost: expected,
    };
  }

  it('gives each event once, or tells of the gap, cut after every byte of late events of a channel', async () => {
    await start();
    expect(await faultsOfAll(await lateEvents(['a']))).toEqual([]);
  });

  it('gives each event once, or tells of the gap, cut twice anywhere in late events of two channels', async () => {
    await start();
    expect(await faultsOfAll(await lateEvents(['a', 'c']), 37)).toEqual([]);
  });

  it('finds doubled events where a late event and the position are two blocks', async () => {
    await start();
    ResponseSink.prototype.late = function (_channel, event, id) {
      this.write(event.frame);
      return this.write(formatPositionFrame(id.slice(id.lastIndexOf('~') + 1)));
    };
    expect((await faultsOf(await lateEvents(['a']), 'as browsers do')).join()).toMatch(/doubled b-/);
  });

  it.each([
    { added: ['room'], cutsAgain: 0 },
    { added: ['room', 'hall', 'yard'], cutsAgain: 37 },
  ])(
    'gives each event once to a client that comes back with the channels $added, which were added from before',
    async ({ added, cutsAgain }) => {
      await start();
      const { lastEventId, bytes, early, news } = await addedChannels(added);
      // The first word of the new channels: from there on it may come back with them.
      const told = bytes.indexOf('~');
      const head = receive(bytes.subarray(0, bytes.indexOf('\n\n', told) + 2), lastEventId, 'as browsers do');
      const expected = [...early, ...news.filter((key) => !head.keys.includes(key))];
      const scene: Scene = {
        url: url('news', ...added),
        start: head.lastEventId,
        bytes: bytes.subarray(bytes.lastIndexOf('\n\n', told) + 2),
        expected,
        last: lastOf(expected, ['news', ...added]),
      };
      expect(await faultsOfAll(scene, cutsAgain)).toEqual([]);
    },
  );

  it('gives nothing twice to a client that comes back without the channels that were added', async () => {
    await start();
    const { lastEventId, bytes, early, news } = await addedChannels(['room', 'hall']);
    const scene = {
      url: url('news'),
      start: lastEventId,
      bytes,
      expected: [...early, ...news],
      last: [news.at(-1)!],
    };
    const faults = await faultsOf(scene, 'as browsers do');
    // What it does not name it does not get.
    expect(faults.filter((fault) => /lost news|doubled|gap|order/.test(fault))).toEqual([]);
  });

  it('tells of the gaps of all channels, cut after every byte, to a client with an id that is still to come', async () => {
    await start();
    expect(await faultsOfAll(await gapsAtOnce())).toEqual([]);
  });

  it('finds gaps that are never told where each of them carries the new position', async () => {
    await start();
    ResponseSink.prototype.gap = function (told) {
      return this.write(formatGapFrame(told, told.to));
    };
    expect((await faultsOf(await gapsAtOnce(), 'as browsers do')).join()).toMatch(/gap of c not told/);
  });

  it('tells of the gaps of all channels whose history was trimmed, cut after every byte', async () => {
    const prefix = randomUUID();
    await start({ prefix });
    const channels = ['a', 'b'];
    const lastEventId = await hub.cursor();
    for (let i = 0; i < 5; i++) await publish('a', 'b', 'a', 'b');
    for (const channel of channels) await redis.cli('XTRIM', `{${prefix}}:log:${channel}`, 'MAXLEN', '3');
    const last = await publish('a', 'b');
    const bytes = await record(url(...channels), lastEventId, async (seen) => {
      for (const key of last) await seen(`"${key}"`);
    });
    const { keys } = receive(bytes, lastEventId, 'as browsers do');
    const scene = { url: url(...channels), start: lastEventId, bytes, expected: keys, last, gaps: channels };
    expect(await faultsOfAll(scene)).toEqual([]);
  });

  it('keeps the position over a refusal that is cut after every byte', async () => {
    await start({ limits: { connections: 1 } });
    const lastEventId = await hub.cursor();
    const expected = await publish('a', 'b', 'a');
    const holder = await begin(url('other'));
    const refusal = await record(url('a', 'b'), lastEventId, (seen) => seen('TOO_MANY_CONNECTIONS"}\n\n'));
    await holder.close();
    await until(() => hub.stats().connections === 0);
    expect(refusal.toString()).toMatch(/^\n*retry: \d+\nid: .*\nevent: error\n/);
    const scene = {
      url: url('a', 'b'),
      start: lastEventId,
      bytes: refusal,
      expected,
      last: expected.slice(1),
    };
    expect(await faultsOfAll(scene)).toEqual([]);
  });
});
