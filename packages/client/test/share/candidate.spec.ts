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
  /** By the names of locks that others hold, and somebody waits for. */
  private readonly waiting = new Map<string, () => void>();

  /** @param tabs undefined: the browser does not say */
  constructor(private readonly tabs: readonly string[] | undefined) {}

  query() {
    if (!this.tabs) return Promise.reject(new DOMException('query() is not allowed', 'SecurityError'));
    return Promise.resolve({ held: this.tabs.map((tab) => ({ name: names.tab(tab) })) });
  }

  request(name: string, _options: object, callback: () => Promise<void> | undefined): Promise<void> {
    if (name !== names.leader) {
      this.waiting.set(name, () => void callback());
      return new Promise(() => undefined);
    }
    return new Promise((resolve) => (this.grant = () => resolve(callback())));
  }

  /** The tab is gone. */
  release(tab: string): void {
    this.waiting.get(names.tab(tab))!();
  }
}

function createStream(): HostedStream {
  return {
    state: { status: 'connecting' },
    lastEventId: '',
    whole: ['', ''],
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
  async function takeOver(tabs: readonly string[] | undefined): Promise<Locks> {
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
    return locks;
  }

  const join = (tab: string) =>
    send({ kind: 'join', tab, host: candidate.hostId, round: 1, wants: [], from: null, types: [] });

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

  it('does not wait for a third tab that is closed meanwhile', async () => {
    const locks = await takeOver(['A', 'B', 'C']);
    expect(open).not.toHaveBeenCalled();
    locks.release('C');
    await settle();
    expect(open).toHaveBeenCalledTimes(1);
  });

  it('waits its time, and begins, where the browser does not say which tabs live', async () => {
    // As Firefox 153 in a frame of another site.
    await takeOver(undefined);
    expect(open).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(300);
    expect(open).toHaveBeenCalledTimes(1);
  });

  it('begins with the first message after its time, where its timers are late', async () => {
    await takeOver(['A', 'B', 'C']);
    const now = performance.now();
    const clock = jest.spyOn(performance, 'now').mockReturnValue(now + 299);
    send({ kind: 'ping', tab: 'B' });
    await settle();
    expect(open).not.toHaveBeenCalled();
    clock.mockReturnValue(now + 300);
    send({ kind: 'ping', tab: 'B' });
    await settle();
    expect(open).toHaveBeenCalledTimes(1);
    clock.mockRestore();
  });
});
