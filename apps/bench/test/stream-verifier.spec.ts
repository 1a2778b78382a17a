import { fillerFor, payload } from '../src/event/payload.js';
import { StreamVerifier, type Tally } from '../src/load/stream-verifier.js';

const SIZE = 64;

function start(channels = 1) {
  const tally: Tally = { size: SIZE, deliveries: 0, live: 0, onTime: undefined };
  return { tally, verifier: new StreamVerifier(tally, 5, channels) };
}

/** As it comes over the wire. */
const event = (sequence: number, channel = 5): string =>
  `5c\r\nid: 1767225600000-${sequence}\ndata: ${payload(sequence, channel, 123_456, fillerFor(SIZE))}\n\n\r\n`;

const read = (verifier: StreamVerifier, ...texts: string[]): void =>
  verifier.read(Buffer.from(texts.join(''), 'latin1'));

const publishedOn5 = (count: number): number[] => [0, 0, 0, 0, 0, count];

test('counts events in order, joined or cut anywhere, from the first that comes', () => {
  const stream = event(7) + event(8) + event(9);
  for (let cut = 0; cut <= stream.length; cut++) {
    const { tally, verifier } = start();
    read(verifier, stream.slice(0, cut));
    read(verifier, stream.slice(cut));
    expect(tally).toMatchObject({ deliveries: 3, live: 1 });
    verifier.assertComplete(publishedOn5(9));
  }
});

test('follows each channel of a client by itself', () => {
  const { tally, verifier } = start(2);
  read(verifier, event(1, 5), event(1, 6), event(2, 6), event(2, 5));
  expect(tally).toMatchObject({ deliveries: 4, live: 2 });
  verifier.assertComplete([0, 0, 0, 0, 0, 2, 2]);
});

test.each([
  ['lost', [event(1), event(3)], /event 3 came after 1/],
  ['doubled', [event(1), event(2), event(2)], /event 2 came after 2/],
  ['out of order', [event(1), event(3), event(2)], /event 3 came after 1/],
  ["another channel's", [event(1), event(2, 6)], /channel that it is not on/],
  ['cut short', [event(1), event(2).replace('quick', ''), event(3)], /not whole/],
  ['damaged', [event(1), event(2).replace('#0000', '#00x0')], /NaN/],
])('an event that is %s fails', (_what, events, message) => {
  const { verifier } = start();
  expect(() => read(verifier, ...events)).toThrow(message);
});

test('a stream that lacks the last event, or ends within it, is not complete', () => {
  const { verifier } = start();
  read(verifier, event(1));
  expect(() => verifier.assertComplete(publishedOn5(2))).toThrow(/2 events were published/);
  read(verifier, event(2).slice(0, 60));
  expect(() => verifier.assertComplete(publishedOn5(1))).toThrow(/ends within an event/);
});

test('a client that got nothing of what was published is not complete', () => {
  expect(() => start().verifier.assertComplete(publishedOn5(1))).toThrow(/the last received is 0/);
});

test('gives the time at which an event was published', () => {
  const { tally, verifier } = start();
  const times: number[] = [];
  tally.onTime = (time) => times.push(time);
  read(verifier, event(1));
  expect(times).toEqual([123_456]);
});

test('payloads are as long as was asked for', () => {
  for (const size of [64, 256, 1024]) expect(payload(1, 1, 1, fillerFor(size))).toHaveLength(size);
});
