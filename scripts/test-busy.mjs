// `npm run test:busy -- [runs] [what Jest is to run]`: `npm test` several times (default: 10) on a machine whose two cores are
// taken. A test that is green on an idle machine alone is badly written. A line per run, and the failed tests by name.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main, SetupError } from './run.mjs';
import { endAll, endAllOnSignals, runSuite, start } from './suite.mjs';

const BUSY_LOOPS = 2;
const RUNS = 10;

/** Computes until it is ended, and no longer than this process lives: it looks for its parent once a second. */
const BUSY_LOOP = `
  const parent = process.ppid;
  for (let next = Date.now() + 1_000; process.ppid === parent; next += 1_000) while (Date.now() < next);
`;

await main(import.meta, async () => {
  const [count = RUNS, ...args] = process.argv.slice(2);
  const runs = Number(count);
  if (!Number.isInteger(runs) || runs < 1) throw new SetupError('How many runs? npm run test:busy -- 10');
  endAllOnSignals();
  const folder = mkdtempSync(join(tmpdir(), 'test-busy-'));
  for (let i = 0; i < BUSY_LOOPS; i++) start(process.execPath, ['-e', BUSY_LOOP]);
  let green = 0;
  try {
    for (let i = 1; i <= runs; i++) {
      const { isGreen } = await runSuite(`run ${i}`, join(folder, `run-${i}`), { args });
      if (isGreen) green++;
    }
  } finally {
    endAll();
    if (green === runs) rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${green} of ${runs} runs are green, with ${BUSY_LOOPS} busy loops beside them.`);
  if (green < runs) process.exitCode = 1;
});
