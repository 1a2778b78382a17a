import { jest } from '@jest/globals';
import { Candidate } from '../../src/share/candidate.js';
import type { ShareMessage } from '../../src/share/protocol.js';
import type { HostedStream } from '../../src/share/stream-host.js';
import { shareNames } from '../../src/share/share-names.js';

const names = shareNames('user', '/events');
const realChannel = globalThis.BroadcastChannel;

/** Delivers within the call, so that a test knows what was heard. */
class Channel {
  private static readonly open = new Set<Channel>();
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor(readonly name: string) {
    Channel.open.add(this);
  }

  postMessage(data: unknown): void {
    for (const each of Channel.open) if (each !== this && each.name === this.name) each.onmessage?.({ data });
  }

  close(): void {
    Channel.open.delete(this);
  }
}

/** The locks of a browser with these tabs. Node 20 has none. */
class Locks {
  grant: () => void = () => undefined;

  constructor(private readonly tabs: readonly string[]) {}

  query() {
    return Promise.resolve({ held: this.tabs.map((tab) => ({ name: names.tab(tab) })) });
  }

  request(name: string, _options: object, callback: () => Promise<void> | undefined): Promise<void> {
    if (name !== names.leader) return new Promise(() => undefined);
    return new Promise((resolve) => (this.grant = () => resolve(callback())));
  }
}

function createStream(): HostedStream {
  return {
    state: { status: 'connecting' },
    lastEventId: '',
    coveredUpTo: '',
    start: () => undefined,
    add: () => undefined,
    close: () => undefined,
    inspect: () => undefined,
  } as unknown as HostedStream;
}

/** Enough for promises that wait for nothing. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a tab that takes the stream over from tab A', () => {
  const open = jest.fn(createStream);
  let candidate: Candidate;
  let bus: Channel;

  beforeEach(() => {
    // Timers stand still: whoever waits for another tab waits for ever.
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    globalThis.BroadcastChannel = Channel as unknown as typeof BroadcastChannel;
    open.mockClear();
    bus = new Channel(names.channel);
  });
  afterEach(() => {
    candidate.close();
    bus.close();
    globalThis.BroadcastChannel = realChannel;
    jest.useRealTimers();
  });

  const send = (message: ShareMessage) => bus.postMessage(message);

  /** Tab B is elected after A had the stream, and joins its own host. */
  async function takeOver(tabs: readonly string[]): Promise<void> {
    const locks = new Locks(tabs);
    candidate = new Candidate({
      ...{ tab: 'B', locks: locks as unknown as LockManager, names, inWorker: false, open },
      onEnd: () => undefined,
    });
    send({ kind: 'claim', host: 'host-1 A', generation: 1, seq: 0, inWorker: false });
    candidate.stand();
    locks.grant();
    await settle();
    join('B');
    await settle();
  }

  const join = (tab: string) =>
    send({ kind: 'join', tab, host: candidate.hostId, wants: [], from: null, types: [] });

  it('does not wait for A, which is stuck and still has the lock of a living tab', async () => {
    await takeOver(['A', 'B']);
    expect(open).toHaveBeenCalledTimes(1);
  });

  it('waits for a third tab, and begins once that has joined', async () => {
    await takeOver(['A', 'B', 'C']);
    expect(open).not.toHaveBeenCalled();
    join('C');
    await settle();
    expect(open).toHaveBeenCalledTimes(1);
  });
});
