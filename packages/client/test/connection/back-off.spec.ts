import { Backoff } from '../../src/connection/backoff.js';
import { MAX_RETRY_AFTER, readRetryAfter } from '../../src/connection/retry-after.js';

function many(make: () => number): number[] {
  return Array.from({ length: 2_000 }, make);
}

describe('the back-off', () => {
  it('spreads over the whole range, which doubles up to the longest wait', () => {
    for (const failures of [0, 1, 3, 50]) {
      const waits = many(() => {
        const backoff = new Backoff({ min: 100, max: 3_000 });
        backoff.failures = failures;
        return backoff.next('grow');
      });
      const ceiling = Math.min(3_000, 250 * 2 ** (failures + 1));
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(100);
      expect(Math.max(...waits)).toBeLessThanOrEqual(ceiling);
      expect(Math.min(...waits)).toBeLessThan(100 + (ceiling - 100) / 10);
      expect(Math.max(...waits)).toBeGreaterThan(ceiling - (ceiling - 100) / 10);
    }
  });

  it('is exactly `retry:` after the first hand-over, and grows after the next one that follows at once', () => {
    const backoff = new Backoff();
    backoff.setRetry(500);
    expect(backoff.next('told')).toBe(500);
    expect(many(() => new Backoff().next('told'))).toContain(1_000);
    expect(backoff.next('told')).not.toBe(500);
  });

  it('is nothing for the first attempt after silence', () => {
    const backoff = new Backoff();
    expect(backoff.next('now')).toBe(0);
    expect(backoff.next('now')).toBeGreaterThan(999);
  });

  it('is not below a `retry:` that is longer than the longest wait', () => {
    const backoff = new Backoff({ max: 1_000 });
    backoff.setRetry(60_000);
    expect([backoff.next('grow'), backoff.next('grow')]).toEqual([60_000, 60_000]);
  });

  it('does not ask a server without a pause that says `retry: 0`', () => {
    const backoff = new Backoff();
    backoff.setRetry(0);
    backoff.failures = 10;
    const waits = many(() => backoff.next('told'));
    expect(waits.reduce((sum, wait) => sum + wait) / waits.length).toBeGreaterThan(10_000);
  });
});

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    [' 1 ', 1_000],
    ['0', 0],
    ['86400', MAX_RETRY_AFTER],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
    ['Wed, 21 Oct 2099 07:28:00 GMT', MAX_RETRY_AFTER],
    ['soon', 0],
    ['-5', 0],
    ['', 0],
    [null, 0],
  ])('of %j is %d ms', (value, ms) => {
    expect(readRetryAfter(value)).toBe(ms);
  });

  it('may be a date', () => {
    const ms = readRetryAfter(new Date(Date.now() + 60_000).toUTCString());
    expect(ms).toBeGreaterThan(50_000);
    expect(ms).toBeLessThanOrEqual(60_000);
  });
});
