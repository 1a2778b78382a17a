import { mulberry32, Random } from '@nestjs-sse-redis/testing';

describe('Random', () => {
  it('gives the published numbers of mulberry32', () => {
    // From the reference implementation, in a shell of its own.
    const next = mulberry32(1);
    expect([next(), next(), next()]).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522]);
  });

  it('repeats itself for a seed, and only for that', () => {
    const draw = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 20 }, () => random.int(1000));
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('tells the seed that it chose itself', () => {
    const random = new Random();
    expect(new Random(random.seed).next()).toBe(random.next());
  });

  it('covers its range and nothing else', () => {
    const random = new Random(3);
    const seen = new Set(Array.from({ length: 200 }, () => random.int(4)));
    expect(seen).toEqual(new Set([0, 1, 2, 3]));
    expect(random.chance(0)).toBe(false);
    expect(random.chance(1)).toBe(true);
    const heads = Array.from({ length: 1000 }, () => random.chance(0.3)).filter(Boolean).length;
    expect(heads).toBeGreaterThan(240);
    expect(heads).toBeLessThan(360);
  });

  it('shuffles a copy and picks from a list', () => {
    const list = [1, 2, 3, 4, 5, 6, 7, 8];
    const random = new Random(5);
    const shuffled = random.shuffle(list);
    expect(shuffled).not.toEqual(list);
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(list);
    expect(list).toContain(random.pick(list));
    expect(() => random.pick([])).toThrow(RangeError);
  });
});
