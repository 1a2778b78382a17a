import { compare, forEachAdapter, RedisServer, until } from '@nestjs-sse-redis/testing';
import { parseEventId } from '../../src/event/position.js';
import { CLIENTS } from './client-names.js';
import { ownId, type ClientState } from './client-state.js';
import { Shipyard } from './fleet.js';
import { Scene } from './scene.js';
import * as scenarios from './scenarios.js';
import type { Scenario } from './scenarios.js';
import type { Seen } from './watch-event-source.js';

const WHOLE = /^whole/;

/** Clients that ignore a block without data, and the id in it. Another version of Firefox may have learned it. */
const IGNORE_IDS_ALONE = [
  ...['Firefox', 'WebKit', 'eventsource 3', 'eventsource 4', 'eventsource-client'],
  ...['launchdarkly-eventsource', 'event-source-polyfill'],
].filter((client) => CLIENTS.includes(client));

let redis: RedisServer;
let shipyard: Shipyard;
beforeAll(async () => {
  [redis, shipyard] = await Promise.all([RedisServer.start(), Shipyard.start()]);
});
afterAll(() => Promise.all([redis?.stop(), shipyard?.stop()]));

const keyOf = (event: Seen): string => `${ownId(event)} ${event.type} ${event.data}`;

forEachAdapter((adapter) => {
  let scene: Scene;
  let states: Map<string, ClientState>;
  let controls: Map<string, ClientState>;

  /** Plays it once, with all clients at the same time; each client's outcome is a test of its own. */
  function play(scenario: Scenario): void {
    beforeAll(async () => {
      scene = await Scene.open({ shipyard, adapter, redis: redis.url, ...scenario });
      await scene.placed();
      await scenario.play(scene);
      states = await scene.states('events');
      if (scenario.control) controls = await scene.states('id-only');
    });
    afterAll(() => scene?.close());
  }

  const seenBy = (client: string): readonly Seen[] => states.get(client)!.seen;

  const reportOf = (received: readonly Seen[], expected: readonly Seen[] = scene.published): string =>
    compare(expected.map(keyOf), received.map(keyOf)).report();

  /** What the client of a server that tells positions by blocks of an id alone lacks, and has too much. */
  function faultsOf(client: string): { lost: readonly string[]; foreign: readonly string[] } {
    expect(scene.deployment.idOnly.stripped).toBeGreaterThan(0);
    return compare(scene.published.map(keyOf), controls.get(client)!.seen.map(keyOf));
  }

  describe('when a process is killed after five events', () => {
    play(scenarios.killedAfterFive);

    it.each(CLIENTS)('delivers each event to %s once and in order', (client) => {
      expect(reportOf(seenBy(client))).toMatch(WHOLE);
    });
  });

  describe('when a process is killed before the first event', () => {
    play(scenarios.killedBeforeFirst);

    it.each(CLIENTS)('delivers each event to %s once and in order', (client) => {
      expect(reportOf(seenBy(client))).toMatch(WHOLE);
    });

    it.each(IGNORE_IDS_ALONE)(
      'loses events of %s with blocks of an id alone (negative control)',
      (client) => {
        const { lost, foreign } = faultsOf(client);
        expect(lost).toEqual(scene.published.slice(0, 5).map(keyOf));
        expect(foreign).toEqual([]);
      },
    );
  });

  describe('when a process is drained', () => {
    play(scenarios.drained);

    it.each(CLIENTS)('delivers each event to %s once and in order', (client) => {
      expect(reportOf(seenBy(client))).toMatch(WHOLE);
    });
  });

  describe('when the history of one channel is trimmed while clients are away', () => {
    play(scenarios.trimmed);

    it.each(CLIENTS)('sends %s one gap with the name of the channel, then the rest', async (client) => {
      const retained = await scene.deployment.ask<string[]>({ kind: 'history', channel: 'busy' });
      const { published } = scene;
      const isLost = ({ id, channel }: Seen & { channel: string }, i: number): boolean =>
        channel === 'busy' && i >= scenarios.BEFORE_TRIM && !retained.includes(id);
      const lost = published.filter(isLost);
      expect(lost.length).toBeGreaterThan(0);

      const gap = seenBy(client)[scenarios.BEFORE_TRIM]!;
      expect(gap.type).toBe('gap');
      const { channel, from, to } = JSON.parse(gap.data) as { channel: string; from: string; to: string };
      expect(channel).toBe('busy');
      expect(parseEventId(from)).toBeLessThan(parseEventId(lost[0]!.id)!);
      expect(parseEventId(to)).toBeGreaterThanOrEqual(parseEventId(lost.at(-1)!.id)!);

      const rest = seenBy(client).filter((event) => event !== gap);
      const left = published.filter((event, i) => !isLost(event, i));
      expect(reportOf(rest, left)).toMatch(WHOLE);
    });
  });

  describe('when a channel is quiet for longer than its history is kept', () => {
    play(scenarios.quiet);

    it.each(CLIENTS)('sends %s no gap, and each event once and in order', (client) => {
      expect(reportOf(seenBy(client))).toMatch(WHOLE);
    });

    it.each(IGNORE_IDS_ALONE)(
      'sends %s a false gap with blocks of an id alone (negative control)',
      (client) => {
        const { lost, foreign } = faultsOf(client);
        expect(lost).toEqual([]);
        expect(foreign.length).toBeGreaterThan(0);
        expect(foreign.filter((key) => !key.includes(' gap '))).toEqual([]);
      },
    );
  });

  describe('when a stream is ended for good', () => {
    play(scenarios.endedForGood);

    it.each(CLIENTS)('sends %s an end with its reason, after which the client stays away', async (client) => {
      expect(states.get(client)!.readyState).toBe('closed');
      const [end, ...others] = seenBy(client).slice(scene.published.length);
      expect(others).toEqual([]);
      expect(end).toMatchObject({ type: 'end', data: JSON.stringify({ reason: 'signed out' }) });
      expect(reportOf(seenBy(client).filter((event) => event !== end))).toMatch(WHOLE);

      const statuses = scenarios.CLOSES_ITSELF.includes(client) ? [200] : [200, 204];
      const answered = (): number[] => scene.deployment.statuses(`events/${client}`);
      // The process reports a response when it has ended, maybe after the client has read it.
      await until(() => answered().length >= statuses.length);
      expect(answered()).toEqual(statuses);
    });
  });
});
