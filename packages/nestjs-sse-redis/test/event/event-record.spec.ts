import { RedisServer, until } from '@nestjs-sse-redis/testing';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { Keys } from '../../src/broker/redis/keys.js';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { UnexpectedReplyError } from '../../src/errors/unexpected-reply.error.js';
import {
  encodeRecord,
  parseRecord,
  recordFlags,
  getText,
  type EventRecord,
} from '../../src/event/event-record.js';
import { encodeEvent, type EventKind } from '../../src/event/event-text.js';
import { formatEventId } from '../../src/event/position.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard, publication, publishAll } from '../broker/broker-set-ups.js';
import { hostileStrings, hostileValues } from '../parsers/hostile-events.js';

/** The position before, and that of the event. */
const ascending = fc
  .tuple(fc.maxSafeNat(), fc.maxSafeNat())
  .filter(([a, b]) => a !== b)
  .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
const kinds = fc.constantFrom<EventKind[]>('j', 't', 'x');

function parse(bytes: Buffer): EventRecord | undefined {
  try {
    return parseRecord(bytes);
  } catch (error) {
    // Anything else would be a crash: it fails the test.
    if (!(error instanceof UnexpectedReplyError)) throw error;
    return undefined;
  }
}

it('has positions and flags in its first line, then the SSE block', () => {
  const event = encodeEvent({ type: 'greeting', data: 'hello\nworld' }, Infinity);
  expect(encodeRecord(1_025, 1_023, event, false).toString()).toBe(
    '1025 1023 t\nid: 1-1\nevent: greeting\ndata: hello\ndata: world\n\n',
  );
  expect(encodeRecord(1_025, 0, event, true).toString()).toMatch(/^1025 0 te\n/);
  expect(encodeRecord(1_025, 0, event, true, true).toString()).toMatch(/^1025 0 tef\n/);
});

it.each([
  ['j', false, 'j'],
  ['j', true, 'je'],
  ['t', true, 'te'],
  ['x', false, 'x'],
] as const)('has the flags of kind %s, ephemeral %s: %s', (kind, ephemeral, flags) => {
  expect(recordFlags(kind, ephemeral)).toBe(flags);
});

it('reads every record that it writes', () => {
  fc.assert(
    fc.property(
      ascending,
      kinds,
      fc.boolean(),
      fc.boolean(),
      hostileValues,
      ([prev, position], kind, ephemeral, first, data) => {
        const { text } = encodeEvent({ data }, Infinity);
        const bytes = encodeRecord(position, prev, { kind, text }, ephemeral, first);
        const { frame, ...rest } = parseRecord(bytes);
        expect(rest).toEqual({ position, prev, kind, ephemeral, first });
        expect(frame.toString()).toBe(`id: ${formatEventId(position)}\n${text.toWellFormed()}`);
        expect(getText({ ...rest, frame })).toBe(text.toWellFormed());
      },
    ),
    { numRuns: 1_000 },
  );
});

it('shares the memory of what it read', () => {
  const bytes = encodeRecord(2_048, 0, { kind: 't', text: 'data: a\n\n' }, false);
  expect(parseRecord(bytes).frame.buffer).toBe(bytes.buffer);
});

it.each([
  ['nothing', ''],
  ['no positions', 't\nid: 1-1\ndata: a\n\n'],
  ['an empty first position', ' 1023 t\nid: 1-1\ndata: a\n\n'],
  ['an empty second one', '1025  t\nid: 1-1\ndata: a\n\n'],
  ['one position', '1025 t\nid: 1-1\ndata: a\n\n'],
  ['a space before', ' 1025 1023 t\nid: 1-1\ndata: a\n\n'],
  ['two spaces', '1025  1023 t\nid: 1-1\ndata: a\n\n'],
  ['a tab', '1025\t1023 t\nid: 1-1\ndata: a\n\n'],
  ['a sign', '-1025 1023 t\nid: 1-1\ndata: a\n\n'],
  ['an exponent', '1e3 1023 t\nid: 1-1\ndata: a\n\n'],
  ['a fraction', '1025.0 1023 t\nid: 1-1\ndata: a\n\n'],
  ['other digits', '\u0661 1023 t\nid: 1-1\ndata: a\n\n'],
  ['more than a double has', '9007199254740993 1023 t\nid: 1-1\ndata: a\n\n'],
  ['hundreds of digits', `${'9'.repeat(400)} 1023 t\nid: 1-1\ndata: a\n\n`],
  ['a predecessor that comes later', '5 99999999999999999999 t\nid: 0-5\ndata: a\n\n'],
  ['itself as its predecessor', '5 5 t\nid: 0-5\ndata: a\n\n'],
  ['no kind', '1025 1023 \nid: 1-1\ndata: a\n\n'],
  ['an unknown kind', '1025 1023 q\nid: 1-1\ndata: a\n\n'],
  ['a kind in capitals', '1025 1023 T\nid: 1-1\ndata: a\n\n'],
  ['the flag first', '1025 1023 et\nid: 1-1\ndata: a\n\n'],
  ['the flag twice', '1025 1023 tee\nid: 1-1\ndata: a\n\n'],
  ['the kind of a property that every object has', '1025 1023 constructor\n\n'],
  ['CR', '1025 1023 t\r\nid: 1-1\ndata: a\n\n'],
  ['no line end', '1025 1023 t'],
  ['the message of something else', '{"type":"greeting"}'],
  ['NUL', '\u0000'],
])('refuses what has %s', (_what, text) => {
  expect(() => parseRecord(Buffer.from(text))).toThrow(UnexpectedReplyError);
});

it('refuses with few and printable words', () => {
  const garbage = Buffer.alloc(1_000_000, '\u0007\n');
  expect(() => parseRecord(garbage)).toThrow(UnexpectedReplyError);
  try {
    parseRecord(garbage);
  } catch (error) {
    expect((error as Error).message.length).toBeLessThan(800);
    // oxlint-disable-next-line no-control-regex
    expect((error as Error).message).not.toMatch(/[\u0000-\u001f]/);
  }
});

it('takes a record or refuses it, whatever the bytes are', () => {
  const damaged = fc
    .tuple(
      fc.tuple(ascending, kinds, fc.boolean(), hostileStrings),
      fc.nat(30),
      fc.nat(3),
      fc.uint8Array({ maxLength: 3 }),
    )
    .map(([[[prev, position], kind, ephemeral, data], at, remove, insert]) => {
      const bytes = encodeRecord(position, prev, { kind, text: `data: ${data}\n\n` }, ephemeral);
      return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
    });
  const alphabet = fc
    .array(fc.constantFrom(...'0123456789 jtxe\n\r-\0'.split('')), { maxLength: 30 })
    .map((all) => Buffer.from(all.join('')));
  const bytes = fc.uint8Array({ maxLength: 60 }).map((all) => Buffer.from(all));
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(damaged, alphabet, bytes), (input) => {
      const record = parse(input);
      const header = /^(\d+) (\d+) ([jtx])(e?)(f?)\n/.exec(input.toString('latin1'));
      const valid =
        header !== null && Number.isSafeInteger(Number(header[1])) && Number(header[2]) < Number(header[1]);
      expect(record !== undefined).toBe(valid);
      if (!record || !header) return;
      taken++;
      expect(record.position).toBe(Number(header[1]));
      expect(record.kind).toBe(header[3]);
      expect(record.ephemeral).toBe(header[4] === 'e');
      expect(record.frame.equals(input.subarray(header[0].length))).toBe(true);
    }),
    { numRuns: 5_000 },
  );
  expect(taken).toBeGreaterThan(100);
});

describe('in Redis', () => {
  let redis: RedisServer;
  let broker: RedisBroker;
  const prefix = randomUUID();
  const keys = new Keys(prefix, 0);

  beforeAll(async () => {
    redis = await RedisServer.start();
    const options = resolveOptions({ prefix, redis: redis.url });
    broker = new RedisBroker(options.redis!, options, randomUUID());
    await broker.start(new Heard());
  });
  afterAll(async () => {
    await broker.close();
    await redis.stop();
  });

  it('is what publish.lua makes, byte by byte, in the log and in the announcement', async () => {
    const channel = 'ключ {a}:* 🙂';
    const announced: Buffer[] = [];
    const listener = redis.client();
    listener.on('messageBuffer', (_channel: Buffer, message: Buffer) => announced.push(message));
    await listener.subscribe(keys.pubSubChannel(channel));

    const events = fc.sample(fc.tuple(hostileValues, fc.boolean(), fc.constantFrom('', 'typ é', ' a')), {
      seed: 7,
      numRuns: 300,
    });
    const publications = events.map(([data, ephemeral, type]) =>
      publication(channel, data, { ephemeral, type }),
    );
    publications.push({
      ...publication(channel, null),
      event: { kind: 'x', text: 'event: end\ndata: {}\n\n' },
    });
    const positions = await publishAll(broker, ...publications);
    await until(() => announced.length === publications.length);
    const log = await redis.client().xrangeBuffer(keys.log(channel), '-', '+');

    // `prev` is the position of the logged event before; that of the first is Redis' own business.
    let prev = parseRecord(announced[0]!).prev;
    expect(prev).toBeLessThan(positions[0]!);
    let first = true;
    const expected = publications.map(({ event, ephemeral }, i) => {
      const record = encodeRecord(positions[i]!, prev, event, ephemeral, first);
      if (!ephemeral) {
        prev = positions[i]!;
        first = false;
      }
      return record;
    });
    expect(announced.map(String)).toEqual(expected.map(String));
    expect(announced.every((bytes, i) => bytes.equals(expected[i]!))).toBe(true);

    const logged = expected.filter((_, i) => !publications[i]!.ephemeral);
    expect(log.map(([, [, record]]) => String(record))).toEqual(logged.map(String));
    expect(log.every(([, [, record]], i) => record!.equals(logged[i]!))).toBe(true);
    const ids = positions
      .filter((_, i) => !publications[i]!.ephemeral)
      .map((position) => formatEventId(position));
    expect(log.map(([id]) => String(id))).toEqual(ids);
  });
});
