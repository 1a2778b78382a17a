import { createClient, stateMap, type StateMap } from '../../src/index.js';
import { shareTabs, type ShareRole } from '../../src/share/index.js';
import { shareTabs as shareTabsInlined } from '../../src/share/inlined.js';
import { denyQuery } from './deny-query.js';
import { marks, requests, standstills, watchRequests, watchSwitches } from './marks.js';
import { logOut } from '../../src/share/log-out.js';
import { HostedChannels } from '../../src/share/hosted-channels.js';
import { TabProgress } from '../../src/share/tab-progress.js';
import { TabSession } from '../../src/share/tab-session.js';
import { waitForWorkers } from '../fixtures/wait-for-workers.js';
import { LocalStream } from '../../src/stream/local-stream.js';
import type { EventStream } from '../../src/stream/event-stream.interface.js';

/** A protection that a negative control goes without. */
export type Protection = 'fencing' | 'dedupe' | 'handover' | 'sharing' | 'wholeness';

export interface OpenOptions {
  readonly user: string;
  readonly way: 'worker' | 'inlined' | 'locks';
  /** Channels that are added, and the id after which each begins. */
  readonly channels?: Record<string, string | null>;
  readonly lastEventId?: string;
  readonly without?: Protection;
  /** Notes what the parts of a switch take. */
  readonly watch?: boolean;
  /** The browser does not say who holds locks. */
  readonly unasked?: boolean;
  /** The host of this tab gets no further with the event of this number: its script runs until the browser ends it. */
  readonly stuckAt?: number;
  /** It takes the stream from a host that is late, as the product's defaults say. On a busy machine any host can be late. */
  readonly impatient?: boolean;
  /** Another script for the worker. */
  readonly workerUrl?: string;
  readonly token?: string;
}

export interface Received {
  readonly channel: string | undefined;
  readonly type: string;
  readonly data: string;
  readonly id: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** What a test reads of its page. */
const test = {
  received: [] as Received[],
  states: [] as string[],
  roles: [] as ShareRole[],
  refused: [] as string[],
  log: [] as string[],
  marks,
  standstills,
  requests,
  watchRequests,
  tokens: 0,
  stream: undefined as EventStream | undefined,
  map: undefined as StateMap | undefined,
  /** How many keys each view of the map had, once it was loaded. */
  sizes: [] as number[],
  open,
  openMap,
  logOut,
};

export type TestPage = typeof test;

function open({
  user,
  way,
  channels = {},
  lastEventId,
  without,
  workerUrl,
  token,
  watch,
  unasked,
  stuckAt,
  impatient,
}: OpenOptions): void {
  if (!impatient) waitForWorkers();
  if (stuckAt !== undefined) getStuckAt(stuckAt, user);
  if (unasked) denyQuery();
  if (watch) watchSwitches();
  disable(without);
  const options = {
    url: `/events/${user}`,
    ...(lastEventId !== undefined && { lastEventId }),
    ...(token !== undefined && { token: () => `${token}-${++test.tokens}` }),
    log: (entry: { message: string; error?: unknown }) => {
      test.log.push(
        `${entry.message} ${entry.error === undefined ? '' : ((entry.error as Error).message ?? 'an event')}`,
      );
    },
    backoff: { min: 100, max: 1_000 },
  };
  const share = {
    key: user,
    ...(!impatient && { leaderTimeout: 60_000 }),
    ...(way === 'locks' && { worker: false as const }),
    ...(workerUrl !== undefined && {
      worker: (name: string) => new SharedWorker(workerUrl, { type: 'module', name }),
    }),
    onRole: (role: ShareRole) => void test.roles.push(role),
  };
  const provide = way === 'inlined' ? shareTabsInlined(share) : shareTabs(share);
  const stream = without === 'sharing' ? new LocalStream(options) : provide(undefined, options);
  test.stream = stream;
  stream.listener = {
    onEvent: ({ channel, type, data, id }) =>
      void test.received.push({ channel, type, data, id, at: Date.now() }),
    onState: (state) =>
      void test.states.push('reason' in state ? `${state.status} ${state.reason}` : state.status),
    onRefused: (channel) => void test.refused.push(channel),
  };
  stream.start();
  for (const [channel, after] of Object.entries(channels)) stream.add(channel, after ?? undefined);
}

/** Shows the map of a state channel, over the stream of all tabs. */
function openMap({ user, way }: Pick<OpenOptions, 'user' | 'way'>, channel: string): void {
  waitForWorkers();
  const share = shareTabs({
    ...{ key: user, leaderTimeout: 60_000, onRole: (role: ShareRole) => void test.roles.push(role) },
    ...(way === 'locks' && { worker: false as const }),
  });
  const client = createClient({ url: `/events/${user}`, share, backoff: { min: 100, max: 1_000 } });
  const cards = (test.map = stateMap(client, channel));
  cards.onChange(({ map, isLoaded }) => isLoaded && test.sizes.push(map.size));
}

/** The server is told where the script gets stuck. */
function getStuckAt(number: number, user: string): void {
  // oxlint-disable-next-line typescript/unbound-method -- called on its object below
  const { note } = HostedChannels.prototype;
  HostedChannels.prototype.note = function (this: HostedChannels, event, isOfRoute) {
    if (event.data === JSON.stringify({ n: number })) {
      const request = new XMLHttpRequest();
      request.open('GET', `/stuck/${user}`, false);
      request.send();
      for (;;);
    }
    return note.call(this, event, isOfRoute);
  };
}

/** Takes a protection away, as the source would be without it. */
function disable(protection: Protection | undefined): void {
  const progress = TabProgress.prototype as unknown as Record<string, unknown>;
  if (protection === 'fencing') {
    // Hosts are heard whatever their generation: each message counts.
    const session = TabSession.prototype as unknown as Record<string, (...args: unknown[]) => void>;
    session['isOutdated'] = () => false;
    const { follow } = session;
    session['follow'] = function (this: { seq: unknown; host: unknown }, ...args) {
      if (this.host === undefined || this.seq === undefined) follow!.apply(this, args);
      else session['take']!.apply(this, args);
    };
  } else if (protection === 'dedupe') {
    const accept = progress['accept'] as (this: TabProgress, event: { channel?: string }) => boolean;
    progress['accept'] = function (this: TabProgress, event: { channel?: string }) {
      return accept.call(this, event) || event.channel !== undefined;
    };
  } else if (protection === 'handover') {
    // Tabs join a host without saying up to where they are.
    Object.defineProperty(progress, 'from', { get: () => null });
    Object.defineProperty(progress, 'wants', {
      get(this: { wanted: Map<string, unknown> }) {
        return [...this.wanted.keys()].map((channel) => [channel, null]);
      },
    });
    void HostedChannels;
  } else if (protection === 'wholeness') {
    // A host says where its stream is, whatever it has not sent yet.
    // oxlint-disable-next-line typescript/unbound-method -- called on its object below
    const { start } = LocalStream.prototype;
    LocalStream.prototype.start = function (this: LocalStream) {
      const get = () => [this.lastEventId, this.coveredUpTo];
      Object.defineProperty(this, 'whole', { get, set() {} });
      start.call(this);
    };
  }
}

declare global {
  interface Window {
    tab: TestPage;
  }
}
window.tab = test;
addEventListener('error', ({ message }) => test.log.push(message));
addEventListener('unhandledrejection', ({ reason }) => test.log.push(String(reason)));
