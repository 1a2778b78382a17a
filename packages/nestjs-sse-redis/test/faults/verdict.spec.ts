import type { PublishedEvent } from './publisher.js';
import { DataLoss, judge, type Circumstances, type Reception } from './verdict.js';

/** Events 1 to 6, of channels a and b by turns. */
const EVENTS: PublishedEvent[] = [1, 2, 3, 4, 5, 6].map((n) => ({
  key: `key ${n}`,
  channel: n % 2 === 1 ? 'a' : 'b',
  id: `${n}-0`,
  position: n * 1_024,
  doubtful: false,
}));

const tick = (n: number, key = `key ${n}`) => ({
  id: `${n}-0`,
  type: 'tick',
  data: JSON.stringify({ key, channel: n % 2 === 1 ? 'a' : 'b' }),
});
const gap = (channel: string, from: number, to: number) => ({
  id: `${from}-0`,
  type: 'gap',
  data: JSON.stringify({ channel, from: `${from}-0`, to: `${to}-0` }),
});

function judged(messages: Reception['messages'], circumstances: Partial<Circumstances> = {}, start = 0) {
  const blocks = messages.map(({ id }) => ({ raw: '', id, message: undefined, isPosition: true }));
  return judge(
    { name: 'client', channels: ['a', 'b'], start, messages, blocks },
    { events: EVENTS, loss: new DataLoss(), announcementDropped: false, ...circumstances },
  );
}

/** Everything up to this event is gone from channel a. */
function trimmedTo(n: number): { loss: DataLoss } {
  const loss = new DataLoss();
  loss.trimmed.set('a', n * 1_024);
  return { loss };
}

describe('the ledger of a client', () => {
  it('is whole when everything came once and in order', () => {
    expect(judged([1, 2, 3, 4, 5, 6].map((n) => tick(n)))).toMatchObject({
      problems: [],
      counts: { deliveries: 6 },
    });
  });

  it('takes a late event by its own id, and its position by what is behind it', () => {
    const late = { ...tick(1), id: '1-0~2-0' };
    const { counts, problems } = judged([tick(2), late, tick(3), tick(4), tick(5), tick(6)], {
      announcementDropped: true,
    });
    expect(problems).toEqual([]);
    expect(counts).toMatchObject({ deliveries: 6, lost: 0, foreign: 0 });
  });

  it('expects nothing from before the start', () => {
    expect(judged([tick(5), tick(6)], {}, 4 * 1_024).problems).toEqual([]);
  });

  it.each([
    ['lost', [1, 2, 4, 5, 6]],
    ['doubled', [1, 2, 3, 3, 4, 5, 6]],
    ['reordered', [1, 2, 4, 3, 5, 6]],
    ['foreign', [1, 2, 3, 4, 5, 6, 7]],
  ] as const)('finds an event that is %s', (fault, numbers) => {
    const { counts, problems } = judged(numbers.map((n) => tick(n)));
    expect(counts[fault]).toBe(1);
    expect(problems.join()).toContain(`${fault} 1`);
  });

  it('finds an event that was published twice, under two ids', () => {
    expect(judged([tick(1), tick(2), tick(3, 'key 1'), tick(4), tick(5), tick(6)]).counts.doubled).toBe(1);
  });

  it('finds a position that went back, as a client that comes back then would get events again', () => {
    const messages = [1, 2, 3, 4, 5, 6].map((n) => tick(n));
    const blocks = ['4-0', '3-0'].map((id) => ({ raw: '', id, message: undefined, isPosition: true }));
    const reception = { name: 'client', channels: ['a', 'b'], start: 0, messages, blocks };
    const circumstances = { events: EVENTS, loss: new DataLoss(), announcementDropped: false };
    expect(judge(reception, circumstances).problems.join()).toContain('position went back');
  });

  it('asks for order within each channel only, after an announcement was dropped', () => {
    const late = [1, 2, 4, 3, 5, 6].map((n) => tick(n));
    expect(judged(late, { announcementDropped: true }).problems).toEqual([]);
    const wrong = [3, 1, 2, 4, 5, 6].map((n) => tick(n));
    expect(judged(wrong, { announcementDropped: true }).counts.reordered).toBe(1);
  });

  it('accepts a loss that was told of, where the data were gone', () => {
    const told = [gap('a', 0, 3), tick(2), tick(4), tick(5), tick(6)];
    expect(judged(told, trimmedTo(3))).toMatchObject({
      problems: [],
      counts: { lost: 0, missedInGaps: 2, gaps: 1 },
    });
  });

  it('accepts a gap for an event whose announcement was dropped, also of a client that has it, and no other gap', () => {
    const loss = new DataLoss();
    loss.unannounced.push({ channel: 'a', position: 3 * 1_024 });
    const lacking = [tick(1), tick(2), tick(4), gap('a', 1, 3), tick(5), tick(6)];
    expect(judged(lacking, { loss, announcementDropped: true })).toMatchObject({
      problems: [],
      counts: { missedInGaps: 1, gaps: 1 },
    });
    const having = [1, 2, 3, 4, 5].map((n) => tick(n));
    expect(
      judged([...having, gap('a', 1, 3), tick(6)], { loss, announcementDropped: true }).problems,
    ).toEqual([]);
    expect(
      judged([...having, gap('a', 3, 5), tick(6)], { loss, announcementDropped: true }).counts.undueGaps,
    ).toBe(1);
    expect(
      judged([...having, gap('b', 1, 3), tick(6)], { loss, announcementDropped: true }).counts.undueGaps,
    ).toBe(1);
  });

  it.each<[string, (loss: DataLoss) => unknown]>([
    ['has lost what was before it to a FLUSHALL', ({ emptied }) => emptied.push(2.5 * 1_024)],
    ['has lost it to a FLUSHALL', ({ emptied }) => emptied.push(3.5 * 1_024)],
    ['has trimmed what was before it', ({ trimmed }) => trimmed.set('a', 1 * 1_024)],
  ])(
    'accepts a gap before the dropped announcement where the log %s, as it may have been there',
    (_, lose) => {
      const loss = new DataLoss();
      loss.unannounced.push({ channel: 'a', position: 3 * 1_024 });
      const before = [gap('a', 0, 2), ...[1, 2, 3, 4, 5, 6].map((n) => tick(n))];
      expect(judged(before, { loss, announcementDropped: true }).counts.undueGaps).toBe(1);
      lose(loss);
      expect(judged(before, { loss, announcementDropped: true }).problems).toEqual([]);
    },
  );

  it('finds a dropped announcement that was told to nobody, unless its process died before it found out', () => {
    const loss = new DataLoss();
    loss.unannounced.push({ channel: 'a', position: 3 * 1_024 });
    const lacking = [1, 2, 4, 5, 6].map((n) => tick(n));
    expect(judged(lacking, { loss, announcementDropped: true }).counts.lost).toBe(1);
    loss.unfound.add(3 * 1_024);
    expect(judged(lacking, { loss, announcementDropped: true }).problems).toEqual([]);
  });

  it('accepts a gap from a fork to where the client stood on the line before it, and no other', () => {
    const loss = new DataLoss();
    loss.forks = [{ from: 2 * 1_024, began: 3 * 1_024, line: 1, serverStart: '' }];
    const having = [1, 2].map((n) => tick(n));
    const undue = (from: number, to: number, line = '') =>
      judged([...having, { ...tick(5), id: `5-0${line}` }, gap('a', from, to), tick(6)], { loss }).counts
        .undueGaps;
    expect([undue(2, 5), undue(1, 5), undue(2, 4), undue(2, 5, '.1')]).toEqual([0, 1, 1, 1]);
  });

  it('accepts a gap of a master that is gone once more, later, but not the first one', () => {
    const loss = new DataLoss();
    loss.forks = [{ from: 2 * 1_024, began: 5 * 1_024, line: 1, serverStart: '' }];
    const lost = { ...tick(3, 'lost'), id: '3-1' };
    loss.unlogged = [{ id: '3-1', key: 'lost', channel: 'a', position: 3 * 1_024 + 1 }];
    const told = { id: '2-0', type: 'gap', data: '{"channel":"a","from":"2-0","to":"3-2"}' };
    const rest = [4, 5, 6].map((n) => tick(n));
    const misplaced = (messages: Reception['messages']) =>
      judged(messages, { loss }).problems.filter((problem) => problem.includes('wrong place'));
    expect(misplaced([tick(1), tick(2), lost, told, tick(3), ...rest, told])).toEqual([]);
    expect(misplaced([tick(1), tick(2), lost, tick(3), ...rest, told])).toHaveLength(1);
  });

  it('accepts a gap whose end is before its beginning only where a master was lost', () => {
    const gapOf = { channel: 'a', from: 5 * 1_024, to: 4 * 1_024, at: 0, toLine: 0 };
    const loss = new DataLoss();
    expect(loss.explains(gapOf)).toBe(false);
    loss.masterLost = true;
    expect([loss.explains(gapOf), loss.explains({ ...gapOf, to: gapOf.from })]).toEqual([true, false]);
  });

  it('accepts a position that went back with an id of a new line', () => {
    const messages = [1, 2, 3, 4, 5, 6].map((n) => tick(n));
    const backAt = (ids: readonly string[]) => {
      const blocks = ids.map((id) => ({ raw: '', id, message: undefined, isPosition: true }));
      const reception = { name: 'client', channels: ['a', 'b'], start: 0, messages, blocks };
      return judge(reception, { events: EVENTS, loss: new DataLoss(), announcementDropped: false }).problems;
    };
    expect(backAt(['4-0', '3-0.1'])).toEqual([]);
    expect(backAt(['4-0.1', '3-0.1']).join()).toContain('position went back');
  });

  it('finds a gap without a cause, of another channel, or one that is told of too late', () => {
    expect(judged([gap('a', 0, 3), ...[2, 4, 5, 6].map((n) => tick(n))]).counts.undueGaps).toBe(1);
    expect(judged([gap('b', 0, 3), ...[4, 5, 6].map((n) => tick(n))], trimmedTo(3)).counts.undueGaps).toBe(1);
    const late = [tick(2), tick(4), tick(5), gap('a', 0, 3), tick(6)];
    expect(judged(late, trimmedTo(3)).problems.join()).toContain('gaps at the wrong place 1');
  });
});
