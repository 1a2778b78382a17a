import { Entries } from '../../src/delivery/shards/entries.js';
import { formatJoinedId, parseJoinedId } from '../../src/event/joined-id.js';
import { ShardMap } from '../../src/event/shard-map.js';
import toSlot from 'cluster-key-slot';

describe('ShardMap', () => {
  it('spreads channels evenly, and keeps those with the same tag together', () => {
    const map = new ShardMap(16);
    const counts = Array.from({ length: 16 }, () => 0);
    for (let i = 0; i < 16_000; i++) counts[map.of(`user:${i}`)]!++;
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1_200);
    for (let i = 0; i < 100; i++) {
      expect(map.of(`{room${i}}:typing`)).toBe(map.of(`room${i}`));
      expect(map.of(`chat:{room${i}}`)).toBe(map.of(`room${i}`));
    }
  });

  it.each([1, 2, 3, 12, 64])('gives each of %i shards a tag in its own part of the slots', (count) => {
    const map = new ShardMap(count);
    for (let shard = 0; shard < count; shard++) {
      const tag = map.tagOf(shard, 'sse');
      expect(tag).toMatch(new RegExp(`^sse:${shard}\\.\\d+$`));
      expect(Math.floor((toSlot(`{${tag}}:clock`) * count) / 16_384)).toBe(shard);
    }
  });

  it('names no shard where there is one', () => {
    const map = new ShardMap(1);
    expect([map.of('a'), map.idOf('a'), map.entryFor('1767225600000-0', 'a')]).toEqual([
      0,
      undefined,
      '1767225600000-0',
    ]);
  });

  it('takes the entry of a channel’s shard out of an id, and gives back what is none of this hub', () => {
    const map = new ShardMap(2);
    const [here, there] = [map.of('a'), 1 - map.of('a')];
    const own = `5-0~7-0.1@${here}`;
    expect(map.entryFor(`9-0@${there},${own}`, 'a')).toBe(own);
    expect(map.entryFor(`9-0@${there}`, 'a')).toBeUndefined();
    for (const id of ['9-0', '9-0@2', '9-0@0,9-1@0', '', ',', 'x@0']) expect(map.entryFor(id, 'a')).toBe(id);
  });
});

describe('a joined id', () => {
  it('begins with the entry of the event, and is read by shards', () => {
    const id = formatJoinedId(1, ['1-0~2-0@0', '4-0.1@1', '3-0@2'])!;
    expect(id).toBe('4-0.1@1,1-0~2-0@0,3-0@2');
    expect(parseJoinedId(id, 3)).toEqual(
      new Map([
        [1, '4-0.1@1'],
        [0, '1-0~2-0@0'],
        [2, '3-0@2'],
      ]),
    );
    expect(parseJoinedId(id, 2)).toBeUndefined();
  });

  it('is none where an entry is not known', () => {
    expect(formatJoinedId(0, ['1-0@0', undefined])).toBeUndefined();
  });

  it('is that of each connection, also where several have had one in turns', () => {
    const [one, other] = [new Entries(), new Entries()];
    for (const entries of [one, other]) for (const shard of [2, 0]) entries.set(shard, `1-0@${shard}`);
    expect([one.join(2), other.join(2), one.join(0)]).toEqual(['1-0@2,1-0@0', '1-0@2,1-0@0', '1-0@0,1-0@2']);
    one.set(0, '5-0@0');
    expect([one.join(2), other.join(2)]).toEqual(['1-0@2,5-0@0', '1-0@2,1-0@0']);
    other.set(1, '7-0@1');
    expect([one.join(0), other.join(0)]).toEqual(['5-0@0,1-0@2', '1-0@0,7-0@1,1-0@2']);
    expect([one.size, other.size, other.get(1), other.get(5)]).toEqual([2, 3, '7-0@1', undefined]);
  });
});
