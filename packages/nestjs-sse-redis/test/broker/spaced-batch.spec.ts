import { setImmediate as turn } from 'node:timers/promises';
import { SpacedBatch } from '../../src/util/spaced-batch.js';
import { TurnBatch } from '../../src/util/turn-batch.js';

const SPACING = 100;
const REQUESTS = 40;

/** Asks in a turn each, and returns the batches that were made, and how many ms after the beginning each was. */
async function askInTurns(create: (handle: (items: number[]) => number[]) => TurnBatch<number[], number[]>) {
  const began = performance.now();
  const batches: { at: number; items: number[] }[] = [];
  const batch = create((items) => {
    batches.push({ at: performance.now() - began, items });
    return items;
  });
  const answers: Promise<number | undefined>[] = [];
  for (let i = 0; i < REQUESTS; i++) {
    const { items, result } = batch.current;
    const index = items.push(i) - 1;
    answers.push(result.then((all) => all[index]));
    await turn();
  }
  return { batches, answers: await Promise.all(answers) };
}

const all = Array.from({ length: REQUESTS }, (_, i) => i);

it('handles a first request at once, and gathers those of later turns until the spacing is over', async () => {
  const { batches, answers } = await askInTurns(
    (handle) => new SpacedBatch<number[], number[]>(() => [], handle, SPACING),
  );

  expect(answers).toEqual(all);
  expect(batches[0]!.items).toEqual([0]);
  expect(batches.flatMap(({ items }) => items)).toEqual(all);
  // On a busy machine a batch may be handled late, and the next one not. A timer of Node may be a millisecond early.
  for (const [i, { at }] of batches.entries()) expect(at).toBeGreaterThanOrEqual(i * (SPACING - 2));
});

it('negative control: without spacing each turn has a batch of its own', async () => {
  const { batches, answers } = await askInTurns(
    (handle) => new TurnBatch<number[], number[]>(() => [], handle),
  );

  expect(answers).toEqual(all);
  expect(batches).toHaveLength(REQUESTS);
});

it('goes on after a batch that failed', async () => {
  let fails = true;
  const batch = new SpacedBatch<number[], string>(
    () => [],
    () => (fails ? Promise.reject(new Error('away')) : 'done'),
    1,
  );
  await expect(batch.current.result).rejects.toThrow('away');
  fails = false;
  await expect(batch.current.result).resolves.toBe('done');
});
