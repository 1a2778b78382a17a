import { jest } from '@jest/globals';
import { HostWatch } from '../../src/share/host-watch.js';

const PATIENCE = 1_000;
const realSetTimeout = setTimeout;

/** Runs timers as the browser does in a background tab: each comes late. @param delay ms */
function throttle(delay: number): void {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((call: () => void, ms = 0) =>
    setTimeout(call, ms + delay)) as typeof globalThis.setTimeout;
}

// A clock of the test's own: a bound in ms then needs no idle machine.
describe('HostWatch', () => {
  const pings: number[] = [];
  let silentAfter: number | undefined;
  let watch: HostWatch;

  const create = (patience: number) => {
    const begin = performance.now();
    return new HostWatch(patience, {
      ping: () => void pings.push(performance.now() - begin),
      onSilent: () => (silentAfter ??= performance.now() - begin),
    });
  };

  beforeEach(() => {
    jest.useFakeTimers();
    pings.length = 0;
    silentAfter = undefined;
    watch = create(PATIENCE);
  });
  afterEach(() => {
    watch.stop();
    jest.useRealTimers();
    globalThis.setTimeout = realSetTimeout;
  });

  it('notices a host that does not answer within its patience after the question', () => {
    watch.start();
    jest.advanceTimersByTime(10_000);
    expect(silentAfter).toBe(1_500);
    expect(watch.isSilent).toBe(true);
  });

  it('leaves a host in peace that answers each question', () => {
    watch.start();
    for (let ms = 0; ms < 10_000; ms += 100) {
      jest.advanceTimersByTime(100);
      if (pings.length > 0) watch.heard();
    }
    expect(silentAfter).toBeUndefined();
  });

  it('notices a silent host where timers come a second late, as in background tabs', () => {
    throttle(999);
    // Less than by how much timers are late: lateness alone is no sign that this tab was frozen.
    watch = create(500);
    watch.start();
    jest.advanceTimersByTime(10_000);
    expect(silentAfter).toBe(500 + 500 + 2 * 999);
  });

  it('asks again, and accuses nobody, where this tab itself was frozen', () => {
    watch.start();
    jest.advanceTimersByTime(600);
    expect(pings).toHaveLength(1);
    // The clock goes on, and no timer runs.
    jest.setSystemTime(Date.now() + 60_000);
    const now = performance.now.bind(performance);
    performance.now = () => now() + 60_000;
    try {
      jest.advanceTimersByTime(PATIENCE);
      expect(silentAfter).toBeUndefined();
      expect(pings).toHaveLength(2);
    } finally {
      performance.now = now;
    }
  });
});
