import fc from 'fast-check';
import {
  channelKey,
  eventIdOf,
  formatLastEventId,
  goesOnAfter,
  parseLastEventId,
  parsePositionAfter,
  repeatableId,
  toMapName,
} from '../../src/event/last-event-id.js';
import { lineAt } from '../../src/broker/forks.js';
import { ShardMap } from '../../src/event/shard-map.js';
import { formatEventId, parseEventId, type Position } from '../../src/event/position.js';

const position = (id: string): Position => parseEventId(id)!;
const OWN = position('1767225600000-0');
const OTHER = position('1767225600005-1');
const CURSOR = position('1767225600012-3');

/** An id of a hub that never failed over. */
const format = (own: Position, owed: readonly (readonly [string, Position])[], cursor: Position): string =>
  formatLastEventId(cursor, owed, formatEventId, own < cursor ? formatEventId(own) : undefined);

describe('a last event id', () => {
  it('is the event id alone where nothing is owed', () => {
    expect(format(CURSOR, [], CURSOR)).toBe('1767225600012-3');
    expect(parseLastEventId('1767225600012-3')).toEqual({
      position: CURSOR,
      line: 0,
      own: undefined,
      owed: new Map(),
    });
  });

  it('is own~cursor for a late event', () => {
    expect(format(OWN, [], CURSOR)).toBe('1767225600000-0~1767225600012-3');
    expect(parseLastEventId('1767225600000-0~1767225600012-3')).toEqual({
      position: CURSOR,
      line: 0,
      own: OWN,
      owed: new Map(),
    });
  });

  it('names other late channels by keys, grouped by the position after which each goes on', () => {
    const owed = [
      ['a', OWN],
      ['b', OTHER],
      ['c', OWN],
    ] as const;
    const id = format(OWN, owed, CURSOR);
    expect(id).toBe(
      `1767225600000-0~1767225600000-0:${channelKey('a')}.${channelKey('c')}~1767225600005-1:${channelKey('b')}~1767225600012-3`,
    );
    const parsed = parseLastEventId(id)!;
    expect(owed.map(([channel]) => goesOnAfter(parsed, channel))).toEqual([OWN, OTHER, OWN]);
  });

  it('has no own event where it is a position at which events are owed', () => {
    const parsed = parseLastEventId(format(CURSOR, [['a', OWN]], CURSOR))!;
    expect(parsed.own).toBeUndefined();
    expect(goesOnAfter(parsed, 'a')).toBe(OWN);
    expect(goesOnAfter(parsed, 'b')).toBe(CURSOR);
  });

  it('is read back as it was written, whatever the channels are named', () => {
    const positions = fc.integer({ min: 1, max: position('8000000000000-0') });
    const owedOf = fc.array(fc.tuple(fc.string(), positions), { maxLength: 20 });
    fc.assert(
      fc.property(positions, positions, owedOf, fc.uniqueArray(positions), (one, other, list, began) => {
        const forks = began
          .toSorted((a, b) => a - b)
          .map((at, i) => ({ from: at - 1, began: at, line: i + 1, serverStart: '' }));
        const line = { forks, line: forks.length, serverStart: '', since: 0 };
        const toId = (of: Position) => formatEventId(of, forks.length);
        const [own, cursor] = [Math.min(one, other), Math.max(one, other)];
        const owed = [...new Map(list.map(([channel, after]) => [channel, Math.min(after, cursor)]))];
        const ownId = own < cursor ? formatEventId(own, lineAt(line, own)) : undefined;
        const id = formatLastEventId(cursor, owed, toId, ownId);
        expect(id).toMatch(/^[\w.:~-]+$/);
        expect(parseLastEventId(id)).toEqual({
          position: cursor,
          line: forks.length,
          own: own < cursor ? own : undefined,
          owed: new Map(owed.map(([channel, after]) => [channelKey(channel), after])),
        });
        expect(eventIdOf(id)).toBe(ownId ?? toId(own));
      }),
    );
  });

  it('is read back where its client has nothing of a shard yet', () => {
    const id = formatLastEventId(0, [['board', 0]], (at) => formatEventId(at, 0, 1));
    expect(id).toBe(`0-0@1~0-0@1:${channelKey('board')}~0-0@1`);
    expect(parseLastEventId(id, 1)).toMatchObject({ position: 0, own: undefined });
  });

  it.each([
    ['of a plain channel is where the stream stands, whatever it has of maps', 'news', CURSOR],
    ['of a state channel is the last entry of the map that its client has', 'board', OTHER],
  ])('names a part of a map: as the `after` %s', (_, channel, expected) => {
    const id = format(CURSOR, [[toMapName('board', OWN), OTHER]], CURSOR);
    const isState = (name: string) => name === 'board';
    expect(parsePositionAfter(id, channel, new ShardMap(1), isState).position).toBe(expected);
  });

  it('is before all events of a channel as 0-0, whatever its shard', () => {
    expect(parsePositionAfter('0-0', 'news', new ShardMap(3))).toEqual({ position: 0, line: 0 });
  });

  it.each([
    'x',
    '~',
    '1-0~',
    '~1-0',
    '1-0~2-0~',
    '2-0~1-0',
    '1-0~x~2-0',
    '1-0~1-0:short~2-0',
    '1-0~1-0:12345678.~2-0',
    '1-0~:12345678~2-0',
    '1-0~1-2000:12345678~2-0',
    '1-0~2-0\n',
    '0-0~2-0',
    '1-0~3-0:12345678~2-0',
  ])('is refused where no hub wrote it: %j', (id) => {
    expect(parseLastEventId(id)).toBeUndefined();
  });

  it('gives the own id of an event that came late, and leaves others as they are', () => {
    expect(eventIdOf('1-0~2-0')).toBe('1-0');
    expect(eventIdOf('2-0')).toBe('2-0');
    expect(eventIdOf('')).toBe('');
  });

  it('is repeated to its client unless it would begin another field', () => {
    expect(repeatableId('anything else')).toBe('anything else');
    for (const end of ['\n', '\r', '\0']) expect(repeatableId(`1-0${end}data: x`)).toBeUndefined();
    expect(repeatableId(undefined)).toBeUndefined();
    expect(repeatableId('x'.repeat(10_000))).toBeUndefined();
  });
});
