import type { Loss } from '../../src/delivery/losses/loss.js';
import { lossesIn } from '../../src/delivery/losses/loss.js';
import { LostAnnouncements } from '../../src/delivery/losses/lost-announcements.js';

const now = Date.now() * 1_024;
/** Events 10 and 12 of the channel were lost, 5 was the last one before; from 20 on ids come after the repair. */
const loss: Loss = { channel: 'a', after: now + 5, first: now + 10, last: now + 12, until: now + 20 };
const gap = (from: number, to: number) => ({ channel: 'a', from: now + from, to: now + to });

function remembering(...losses: Loss[]): LostAnnouncements {
  const lost = new LostAnnouncements(60_000);
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
    expect(remembering(loss).gapFor('a', now + claimed)).toEqual(expected);
  });

  it('is told nothing of other channels, or without a position', () => {
    const lost = remembering(loss);
    expect(lost.gapsFor(['b'], now + 15)).toBeUndefined();
    expect(lost.gapsFor(['a'], undefined)).toBeUndefined();
    expect(lost.gapsFor(['b', 'a'], now + 15)).toEqual([gap(5, 12)]);
  });

  it('is told one gap for what several nodes have lost', () => {
    const other = { ...loss, after: now + 2, first: now + 4, last: now + 10, until: now + 30 };
    expect(remembering(loss, other).gapFor('a', now + 15)).toEqual(gap(2, 12));
    expect(remembering(loss, other).gapFor('a', now + 25)).toEqual(gap(2, 10));
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
  const lost = new LostAnnouncements(1_000);
  const old = now - 2_000 * 1_024;
  const passed: Loss = { channel: 'a', after: old - 3, first: old - 2, last: old - 2, until: old };
  lost.add(passed);
  expect(lost.size).toBe(1);
  expect(lost.gapFor('a', old - 1)).toBeUndefined();
  expect(lost.knows(passed)).toBe(true);
  lost.add({ ...loss, channel: 'b' });
  lost.forget();
  expect(lost.size).toBe(1);
  expect(lost.gapFor('b', now + 15)).toBeDefined();
});

it('keeps few losses of a channel that loses many, and still tells every client', () => {
  const lost = new LostAnnouncements(60_000);
  const first = (i: number) => now + 100 * i;
  for (let i = 0; i < 1_000; i++) {
    lost.add({ channel: 'a', after: first(i) - 5, first: first(i), last: first(i), until: first(i) + 10 });
  }
  const { byChannel } = lost as unknown as { byChannel: Map<string, Loss[]> };
  expect(byChannel.get('a')!.length).toBeLessThanOrEqual(32);
  for (let i = 0; i < 1_000; i++) {
    const told = lost.gapFor('a', first(i) + 5)!;
    expect(told.from! < first(i) && told.to >= first(i)).toBe(true);
  }
});

it('takes nothing for a loss that is none', () => {
  expect(lossesIn([loss, { ...loss, first: 'x' }, null, 5, {}])).toEqual([loss]);
  expect(lossesIn({ type: 'gap' })).toEqual([]);
});
