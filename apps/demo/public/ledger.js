// The book that this tab keeps of what reached it. Pure: no DOM, no clock, no network; unit-tested in test/ledger.spec.ts.
//
// It does not trust the server. What it can know by itself:
// - ids of logged events rise strictly within one stream, over all channels and over every reconnect;
// - a flood carries its own numbers, 1 to `of`, so a missing one shows as a jump.
// Ephemeral events carry the cursor of the moment instead of an id of their own: they may repeat it, never go behind it.

/** Negative, zero or positive, like every comparator. Ids are Redis stream ids, `milliseconds-sequence`. */
export function compareIds(a, b) {
  const [aMs, aSeq] = a.split(/[-.]/).map(Number);
  const [bMs, bSeq] = b.split(/[-.]/).map(Number);
  return aMs - bMs || aSeq - bSeq;
}

const number = (n) => n.toLocaleString('en-US');
const count = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

export class Ledger {
  /** Ids in the order of arrival, by channel. */
  ids = {};
  /** Flood runs by their name, in the order of their first event. */
  runs = new Map();
  counts = { received: 0, lost: 0, doubled: 0, disordered: 0, gaps: 0, told: 0 };
  /** The newest id seen on any channel: where the next stream of this tab has to begin. */
  cursor = undefined;
  /** False while the stream still rewinds into what happened before this tab was there. */
  joined = false;
  #seen = new Set();
  #excused = false;
  #underWay = new Set();

  /**
   * From here on everything is expected: what came before was history, which may begin anywhere. A flood that is still
   * running is this tab's to watch to its end; one that is over is not.
   *
   * @param underWay floods that may have begun before, and so may begin anywhere, too
   */
  join(underWay = []) {
    for (const name of underWay) if (!this.joined) this.#underWay.add(name);
    if (this.joined) return;
    this.joined = true;
    for (const run of this.runs.values()) if (run.next > run.of) this.runs.delete(run.name);
  }

  /**
   * The hub said that it could not close a gap: what is missing next has been told, so it is not lost silently.
   * The id with it is where the hub goes on from, which is behind ours if ours came from another deployment.
   */
  gap({ id, channel = 'flood' } = {}) {
    this.counts.gaps++;
    this.#excused ||= channel === 'flood';
    if (id) this.cursor = id;
  }

  /**
   * Enters one event and says what it was: `ok`, `doubled`, `disordered`, or `lost` when others are missing before it
   * (`missing` of them; `told` when a gap had announced that).
   */
  receive({ channel, id, data, ephemeral = false }) {
    const ahead = this.cursor === undefined ? 1 : compareIds(id, this.cursor);
    if (ephemeral) {
      if (ahead >= 0) this.cursor = id;
      else this.counts.disordered++;
      return { kind: ahead >= 0 ? 'ok' : 'disordered', missing: 0 };
    }
    const late = ahead <= 0;
    this.counts.received++;
    const run = channel === 'flood' ? this.#run(data) : undefined;
    if (this.#seen.has(id) || run?.seen.has(data.n)) {
      this.counts.doubled++;
      if (run) run.doubled++;
      return { kind: 'doubled', missing: 0 };
    }
    this.#seen.add(id);
    (this.ids[channel] ??= []).push(id);
    if (!late) this.cursor = id;
    const found = run ? this.#enter(run, data.n) : { missing: 0, behind: false };
    if (late || found.behind) {
      this.counts.disordered++;
      if (run) run.disordered++;
      return { kind: 'disordered', missing: 0 };
    }
    if (found.missing === 0) return { kind: 'ok', missing: 0 };
    const kind = this.#excused ? 'told' : 'lost';
    this.#excused = false;
    this.counts[kind] += found.missing;
    run[kind] += found.missing;
    return { kind, missing: found.missing };
  }

  /** The flood that this tab saw begin last. */
  get run() {
    return [...this.runs.values()].at(-1);
  }

  /** One line that says how things stand: `idle`, `running`, `whole`, `told` (missing, but announced) or `broken`. */
  get verdict() {
    const { lost, doubled, disordered, received } = this.counts;
    if (lost + doubled + disordered > 0) {
      const faults = [
        lost && `${number(lost)} lost`,
        doubled && `${number(doubled)} doubled`,
        disordered && `${number(disordered)} out of order`,
      ].filter(Boolean);
      return { state: 'broken', text: `broken: ${faults.join(', ')}` };
    }
    const run = this.run;
    if (!run) {
      const text = received
        ? `${count(received, 'event')} so far, in order, none twice`
        : 'nothing received yet';
      return { state: 'idle', text };
    }
    const expected = run.of - run.from + 1;
    const done = run.next > run.of;
    const of = `${number(run.numbers.length)} of ${number(expected)}`;
    const since = run.from > 1 ? ` (this tab joined at ${number(run.from)})` : '';
    if (run.told) {
      return {
        state: 'told',
        text: `${of}${since}, in order, none twice; ${number(run.told)} missing, as a gap told`,
      };
    }
    if (!done) return { state: 'running', text: `whole so far: ${of}${since}` };
    return { state: 'whole', text: `whole: ${of}${since}, in order, none twice` };
  }

  #run({ run: name, n, of }) {
    let run = this.runs.get(name);
    if (!run) {
      // A tab that opens in the middle of a flood is shown its last events by the rewind, and is held to the rest.
      const from = this.joined && !this.#underWay.has(name) ? 1 : n;
      run = {
        name,
        of,
        from,
        next: from,
        numbers: [],
        seen: new Set(),
        lost: 0,
        told: 0,
        doubled: 0,
        disordered: 0,
      };
      this.runs.set(name, run);
    }
    return run;
  }

  /** A number beyond the expected one: others are missing. One before it that had not come: it is late, not lost. */
  #enter(run, n) {
    run.seen.add(n);
    run.numbers.push(n);
    if (n < run.next) {
      if (run.lost > 0) {
        run.lost--;
        this.counts.lost--;
      }
      return { missing: 0, behind: true };
    }
    const missing = n - run.next;
    run.next = n + 1;
    return { missing, behind: false };
  }
}
