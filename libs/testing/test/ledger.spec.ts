import { assertWhole, compare, Random } from '@nestjs-sse-redis/testing';

const expected = ['a', 'b', 'c', 'd', 'e'];

describe('the ledger', () => {
  it('finds a whole list whole', () => {
    const ledger = compare(expected, expected);
    expect(ledger.whole).toBe(true);
    expect(ledger.report()).toBe('whole: expected 5, received 5');
    expect(() => assertWhole(expected, expected)).not.toThrow();
  });

  it.each([
    ['lost', ['a', 'b', 'd', 'e'], { lost: ['c'] }],
    ['lost at the end', ['a', 'b', 'c', 'd'], { lost: ['e'] }],
    ['doubled', ['a', 'b', 'c', 'b', 'd', 'e', 'b'], { doubled: ['b', 'b'] }],
    ['reordered', ['a', 'c', 'd', 'b', 'e'], { reordered: ['b'] }],
    ['early', ['e', 'a', 'b', 'c', 'd'], { reordered: ['e'] }],
    ['foreign', ['a', 'x', 'b', 'c', 'd', 'e', 'x'], { foreign: ['x', 'x'] }],
    [
      'all at once',
      ['b', 'a', 'x', 'a', 'd', 'e'],
      { lost: ['c'], doubled: ['a'], foreign: ['x'], reordered: ['b'] },
    ],
  ])('%s', (_, received, faults) => {
    const { lost, doubled, reordered, foreign, whole } = compare(expected, received);
    expect(whole).toBe(false);
    expect({ lost, doubled, reordered, foreign }).toEqual({
      lost: [],
      doubled: [],
      reordered: [],
      foreign: [],
      ...faults,
    });
  });

  it('reports what is wrong in few lines, however much it is', () => {
    const many = Array.from({ length: 500 }, (_, index) => `k${index}`);
    expect(compare(many, ['x', 'k1', 'k0']).report()).toMatchInlineSnapshot(`
"not whole: expected 500, received 3
  lost 498: k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, … (488 more)
  reordered 1: k1
  foreign 1: x"
`);
    expect(() => assertWhole(expected, [], 'client 7')).toThrow(
      /^client 7: not whole[^]*lost 5: a, b, c, d, e/,
    );
  });

  it('accuses as few as possible of being out of turn', () => {
    const random = new Random(11);
    for (let round = 0; round < 200; round++) {
      const keys = Array.from({ length: 1 + random.int(30) }, (_, index) => String(index));
      const received = random.shuffle(keys);
      const { reordered } = compare(keys, received);
      // What is left must be in order, and each accused one must not fit into it.
      const rest = received.filter((key) => !reordered.includes(key));
      expect(rest).toEqual(rest.toSorted((a, b) => Number(a) - Number(b)));
      for (const key of reordered) {
        const withKey = received.filter((one) => one === key || rest.includes(one));
        expect(withKey).not.toEqual(withKey.toSorted((a, b) => Number(a) - Number(b)));
      }
    }
  });

  it('refuses expectations that repeat a key: it could not tell a double from a second one', () => {
    expect(() => compare(['a', 'a'], ['a'])).toThrow(/must differ/);
  });
});
