import { compareIds, Ledger } from '../public/ledger.js';

/** A tab that is already there when the flood begins. */
function joined(): Ledger {
  const ledger = new Ledger();
  ledger.receive({ channel: 'news', id: '1-0' });
  ledger.join();
  return ledger;
}

const flood = (n: number, { id = `${1000 + n}-0`, of = 5, run = 'r' } = {}) => ({
  channel: 'flood',
  id,
  data: { run, n, of },
});

const feed = (ledger: Ledger, numbers: number[]) => numbers.map((n) => ledger.receive(flood(n)).kind);

describe('compareIds', () => {
  it('orders by number, not by text', () => {
    expect(['10-0', '9-10', '9-9', '100-0'].sort(compareIds)).toEqual(['9-9', '9-10', '10-0', '100-0']);
  });
});

describe('Ledger', () => {
  it('says that a whole flood is whole', () => {
    const ledger = joined();
    expect(feed(ledger, [1, 2, 3])).toEqual(['ok', 'ok', 'ok']);
    expect(ledger.verdict).toEqual({ state: 'running', text: 'whole so far: 3 of 5' });
    feed(ledger, [4, 5]);
    expect(ledger.verdict).toEqual({ state: 'whole', text: 'whole: 5 of 5, in order, none twice' });
    expect(ledger.run?.numbers).toEqual([1, 2, 3, 4, 5]);
    expect(ledger.counts).toEqual({ received: 6, lost: 0, doubled: 0, disordered: 0, gaps: 0, told: 0 });
  });

  it('counts what a jump skipped as lost', () => {
    const ledger = joined();
    expect(ledger.receive(flood(1))).toEqual({ kind: 'ok', missing: 0 });
    expect(ledger.receive(flood(4))).toEqual({ kind: 'lost', missing: 2 });
    ledger.receive(flood(5));
    expect(ledger.counts.lost).toBe(2);
    expect(ledger.verdict).toEqual({ state: 'broken', text: 'broken: 2 lost' });
  });

  it('takes nothing for lost of a flood that was under way as this tab joined the stream of another', () => {
    const ledger = new Ledger();
    ledger.join(['r']);
    expect(feed(ledger, [3, 4])).toEqual(['ok', 'ok']);
    expect(ledger.receive(flood(2, { id: '2000-0', run: 'later' })).kind).toBe('lost');
  });

  it('misses the first event of a flood that began after this tab', () => {
    const ledger = joined();
    expect(ledger.receive(flood(2))).toEqual({ kind: 'lost', missing: 1 });
  });

  it('knows an event that comes again, by its id or by its number', () => {
    const ledger = joined();
    feed(ledger, [1, 2]);
    expect(ledger.receive(flood(2)).kind).toBe('doubled');
    expect(ledger.receive(flood(2, { id: '2000-0' })).kind).toBe('doubled');
    expect(ledger.receive({ channel: 'news', id: '1-0' }).kind).toBe('doubled');
    expect(ledger.verdict.text).toBe('broken: 3 doubled');
    expect(ledger.run?.numbers).toEqual([1, 2]);
  });

  it('calls an event that comes late out of order, not lost', () => {
    const ledger = joined();
    expect(feed(ledger, [1, 3, 2, 4, 5])).toEqual(['ok', 'lost', 'disordered', 'ok', 'ok']);
    expect(ledger.verdict.text).toBe('broken: 1 out of order');
  });

  it('sees ids going back across channels', () => {
    const ledger = joined();
    ledger.receive({ channel: 'news', id: '5-0' });
    expect(ledger.receive({ channel: 'chat', id: '4-0' }).kind).toBe('disordered');
    expect(ledger.receive({ channel: 'chat', id: '6-0' }).kind).toBe('ok');
  });

  it('sees numbers going back although ids rise', () => {
    const ledger = joined();
    feed(ledger, [1, 3]);
    expect(ledger.receive(flood(2, { id: '2000-0' })).kind).toBe('disordered');
  });

  it('lets ephemeral events repeat the cursor, and moves it with them', () => {
    const ledger = joined();
    expect(ledger.receive({ channel: 'processes', id: '1-0', ephemeral: true }).kind).toBe('ok');
    expect(ledger.receive({ channel: 'processes', id: '9-0', ephemeral: true }).kind).toBe('ok');
    expect(ledger.cursor).toBe('9-0');
    expect(ledger.receive({ channel: 'processes', id: '8-0', ephemeral: true }).kind).toBe('disordered');
    expect(ledger.counts.received).toBe(1);
  });

  it('takes an event at or before the cursor for disorder even if it never came', () => {
    const ledger = joined();
    ledger.receive({ channel: 'processes', id: '9-0', ephemeral: true });
    expect(ledger.receive({ channel: 'news', id: '9-0' }).kind).toBe('disordered');
  });

  it('holds a tab that opens in the middle of a flood to the rest of it', () => {
    const ledger = new Ledger();
    feed(ledger, [3]);
    ledger.join();
    expect(feed(ledger, [4, 5])).toEqual(['ok', 'ok']);
    expect(ledger.verdict).toEqual({
      state: 'whole',
      text: 'whole: 3 of 3 (this tab joined at 3), in order, none twice',
    });
  });

  it('has nothing to say about a flood that was over before', () => {
    const ledger = new Ledger();
    feed(ledger, [4, 5]);
    ledger.join();
    expect(ledger.run).toBeUndefined();
    expect(ledger.verdict).toEqual({ state: 'idle', text: '2 events so far, in order, none twice' });
  });

  it('does not call lost what a gap has told', () => {
    const ledger = joined();
    feed(ledger, [1]);
    ledger.gap({ id: '1003-0', channel: 'flood' });
    expect(ledger.receive(flood(4))).toEqual({ kind: 'told', missing: 2 });
    ledger.receive(flood(5));
    expect(ledger.verdict).toEqual({
      state: 'told',
      text: '3 of 5, in order, none twice; 2 missing, as a gap told',
    });
    expect(ledger.counts).toMatchObject({ lost: 0, gaps: 1, told: 2 });
  });

  it('does not excuse a flood by a gap of another channel', () => {
    const ledger = joined();
    ledger.gap({ channel: 'news' });
    expect(feed(ledger, [2])).toEqual(['lost']);
  });

  it('excuses one jump per gap', () => {
    const ledger = joined();
    ledger.gap();
    expect(feed(ledger, [2, 4])).toEqual(['told', 'lost']);
  });

  it('keeps runs of several tabs apart', () => {
    const ledger = joined();
    const kinds = [1, 2, 3].flatMap((n) => [
      ledger.receive(flood(n, { id: `${n}0-0`, of: 3, run: 'a' })).kind,
      ledger.receive(flood(n, { id: `${n}0-1`, of: 3, run: 'b' })).kind,
    ]);
    expect(new Set(kinds)).toEqual(new Set(['ok']));
    expect(ledger.run?.name).toBe('b');
    expect(ledger.verdict.state).toBe('whole');
  });
});
