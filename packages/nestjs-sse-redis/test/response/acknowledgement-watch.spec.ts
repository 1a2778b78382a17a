import { AcknowledgementWatch, type WatchedStream } from '../../src/response/acknowledgement-watch.js';

const TIMEOUT = 60_000;
const KEY = 'a b';

class Stream implements WatchedStream {
  readonly tcpKey = KEY;
  bytesSent = 0;
  hasQueue = false;
  cause: string | undefined;
  onSilent(cause: string): void {
    this.cause ??= cause;
  }
}

describe('a stream whose bytes are looked at every five seconds', () => {
  let watch: AcknowledgementWatch;
  let stream: Stream;
  let now: number;

  beforeEach(() => {
    now = 0;
    stream = new Stream();
    watch = new AcknowledgementWatch(TIMEOUT);
    watch.add(stream);
  });
  afterEach(() => watch.stop());

  /** Returns the second of the first look that ended the stream; undefined if none did. */
  function lookFor(seconds: number, look: (i: number) => { bytes: number; unanswered: number } | undefined) {
    const end = now + seconds * 1_000;
    for (let i = 0; now < end; now += 5_000, i++) {
      const entry = look(i);
      watch.take(entry && entry.bytes > 0 ? [{ key: KEY, ...entry }] : [], now);
      if (stream.cause !== undefined) return now / 1_000;
    }
    return undefined;
  }

  it('is closed as vanished after half of the time without an answer, less one look', () => {
    expect(lookFor(100, (i) => ({ bytes: 60, unanswered: Math.min(1 + i, 4) }))).toBe(25);
    expect(stream.cause).toBe('vanished');
  });

  it('is closed as vanished where events go on, and more waits with each look', () => {
    const at = lookFor(100, (i) => ({ bytes: (stream.bytesSent += 12), unanswered: 1 + i }));
    expect([at, stream.cause]).toEqual([25, 'vanished']);
  });

  it('is closed as stalled after the whole time where the machine answers and takes nothing', () => {
    expect(lookFor(100, () => ({ bytes: 60_000, unanswered: 0 }))).toBe(60);
    expect(stream.cause).toBe('stalled');
  });

  it('stays while bytes are acknowledged, however slowly', () => {
    expect(lookFor(1_000, (i) => ({ bytes: 60_000 - i, unanswered: 0 }))).toBeUndefined();
    // On a bad network, with as many bytes added as were acknowledged.
    expect(
      lookFor(1_000, () => ({ bytes: ((stream.bytesSent += 1), 60_000), unanswered: 5 })),
    ).toBeUndefined();
  });

  it('stays if it comes back after 20 seconds of silence', () => {
    expect(lookFor(25, (i) => ({ bytes: 60, unanswered: 1 + i }))).toBeUndefined();
    expect(lookFor(25, () => undefined)).toBeUndefined();
    expect(lookFor(25, (i) => ({ bytes: 60, unanswered: 1 + i }))).toBeUndefined();
  });

  it('stays where bytes wait in the process, since parts of them may have been taken', () => {
    stream.hasQueue = true;
    expect(lookFor(1_000, () => ({ bytes: 60_000, unanswered: 0 }))).toBeUndefined();
  });

  it('is not looked at any more once it is removed', () => {
    watch.remove(stream);
    expect(lookFor(1_000, (i) => ({ bytes: 60, unanswered: 1 + i }))).toBeUndefined();
  });
});

it('closes all streams that share a connection', () => {
  const watch = new AcknowledgementWatch(TIMEOUT);
  const streams = [new Stream(), new Stream(), new Stream()];
  for (const stream of streams) watch.add(stream);
  watch.remove(streams[1]!);
  for (const now of [0, 30_000]) watch.take([{ key: KEY, bytes: 1, unanswered: 1 }], now);
  expect(streams.map(({ cause }) => cause)).toEqual(['vanished', undefined, 'vanished']);
  watch.stop();
});
