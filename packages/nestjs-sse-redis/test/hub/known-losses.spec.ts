import type { Loss } from '../../src/delivery/losses/loss.js';
import { lossesIn } from '../../src/delivery/losses/loss.js';
import { KnownLosses } from '../../src/delivery/losses/known-losses.js';

const now = Date.now() * 1_024;
/** Events 10 and 12 of the channel were lost, 5 was the last one before; from 20 on ids come after the repair. */
const loss: Loss = { channel: 'a', after: now + 5, first: now + 10, last: now + 12, until: now + 20 };
const gap = (from: number, to: number, cause = 'announcement') => ({
  ...{ channel: 'a', from: now + from, to: now + to },
  cause,
});
const returning = (position: number) => ({ position, isReturn: true });

function remembering(...losses: Loss[]): KnownLosses {
  const lost = new KnownLosses(60_000, () => now);
  for (const one of losses) lost.add(one);
  return lost;
}

describe('a client that returns', () => {
  it.each([
    ['stood before the lost events, which are replayed', 9, undefined],
    ['stood at the first lost event', 10, gap(5, 10)],
    ['stood between the lost events', 11, gap(5, 11)],
    ['stood behind the lost events', 15, gap(5, 12)],
    ['left just before the repair', 19, gap(5, 12)],
    ['left after the repair', 20, undefined],
  ])('is told the right gap if it %s', (_, claimed, expected) => {
    expect(remembering(loss).gapFor('a', returning(now + claimed))).toEqual(expected);
  });

  it('is told nothing of other channels, or without a position', () => {
    const lost = remembering(loss);
    expect(lost.gapsFor(['b'], now + 15)).toEqual([]);
    expect(lost.gapsFor(['a'], undefined)).toEqual([]);
    expect(lost.gapsFor(['b', 'a'], now + 15)).toEqual([gap(5, 12)]);
  });

  it('is told one gap for what several nodes have lost', () => {
    const other = { ...loss, after: now + 2, first: now + 4, last: now + 10, until: now + 30 };
    expect(remembering(loss, other).gapFor('a', returning(now + 15))).toEqual(gap(2, 12));
    expect(remembering(loss, other).gapFor('a', returning(now + 25))).toEqual(gap(2, 10));
  });
});

describe('a loss of a failover', () => {
  /** The new line goes on after 5; the old one had events up to 12. */
  const failover: Loss = { ...loss, first: now + 6, isFailover: true };

  it.each([
    ['left before it', 3, true, gap(5, 12, 'failover')],
    ['left just before it was known', 19, true, gap(5, 12, 'failover')],
    ['left after it was known', 20, true, undefined],
    ['was new before the last of it', 11, false, gap(5, 12, 'failover')],
    ['was new behind it', 12, false, undefined],
  ])('is told to a client that %s, if it may lack it', (_, at, isReturn, expected) => {
    expect(remembering(failover).gapFor('a', { position: now + at, isReturn })).toEqual(expected);
  });

  it('is told together with lost announcements, which newcomers are not told', () => {
    const lost = remembering({ ...failover, last: now + 8 }, loss);
    expect(lost.gapFor('a', returning(now + 15))).toEqual(gap(5, 12, 'failover'));
    expect(lost.gapFor('a', { position: now + 7, isReturn: false })).toEqual(gap(5, 8, 'failover'));
  });

  it('is not covered by lost announcements, nor they by it', () => {
    expect(remembering(failover).knows(loss)).toBe(false);
    expect(remembering(loss).knows(failover)).toBe(false);
  });
});

it('knows a loss that another one covers', () => {
  const lost = remembering(loss);
  expect(lost.knows(loss)).toBe(true);
  expect(lost.knows({ ...loss, first: loss.first + 1, until: loss.until - 1 })).toBe(true);
  expect(lost.knows({ ...loss, until: loss.until + 1 })).toBe(false);
  expect(lost.knows({ ...loss, channel: 'b' })).toBe(false);
});

it('forgets losses after the retention, and is empty again', () => {
  const retention = 600_000;
  const lost = new KnownLosses(retention, () => now);
  const old = now - 2 * retention * 1_024;
  const passed: Loss = { channel: 'a', after: old - 3, first: old - 2, last: old - 2, until: old };
  lost.add(passed);
  expect(lost.size).toBe(1);
  expect(lost.gapFor('a', returning(old - 1))).toBeUndefined();
  expect(lost.knows(passed)).toBe(true);
  lost.add({ ...loss, channel: 'b' });
  lost.forget();
  expect(lost.size).toBe(1);
  expect(lost.gapFor('b', returning(now + 15))).toBeDefined();
});

it('keeps few losses of a channel that loses many, and still tells every client', () => {
  const lost = new KnownLosses(60_000, () => now);
  const first = (i: number) => now + 100 * i;
  for (let i = 0; i < 1_000; i++) {
    lost.add({ channel: 'a', after: first(i) - 5, first: first(i), last: first(i), until: first(i) + 10 });
  }
  const { byChannel } = lost as unknown as { byChannel: Map<string, Loss[]> };
  expect(byChannel.get('a')!.length).toBeLessThanOrEqual(32);
  for (let i = 0; i < 1_000; i++) {
    const told = lost.gapFor('a', returning(first(i) + 5))!;
    expect(told.from! < first(i) && told.to >= first(i)).toBe(true);
  }
});

it('takes nothing for a loss that is none', () => {
  const failover = { ...loss, isFailover: true };
  expect(
    lossesIn([loss, failover, { ...loss, isFailover: 1 }, { ...loss, first: 'x' }, null, 5, {}]),
  ).toEqual([loss, failover]);
  expect(lossesIn({ type: 'gap' })).toEqual([]);
});
