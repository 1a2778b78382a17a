import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How many schedules are run at a time. */
const SOME = 250;
/** Where it takes many until one breaks: the first that are run. */
const FIRST: Readonly<Record<string, number>> = { 'gap-from': 2_401 };

const MODEL = fileURLToPath(new URL('../../../../docs/model/delivery-model.mjs', import.meta.url));

function runModel(...args: string[]): { status: number | null; stdout: string } {
  return spawnSync(process.execPath, [MODEL, ...args], { encoding: 'utf8' });
}

describe('the model of the delivery rules', () => {
  it('loses, doubles and reorders nothing in 5,000 random schedules', () => {
    const { status, stdout } = runModel('5000');
    expect(stdout).toContain('broken: 0');
    expect(status).toBe(0);
  });

  // A schedule of which there is one in some 30,000.
  it('breaks without the rule "margin", where an event is exactly as old as the retention', () => {
    expect(runModel('1', '75978').stdout).toContain('broken: 0');
    expect(runModel('1', '75978', '--without=margin').stdout).toContain('broken: 1');
  });

  it.each([
    'bound',
    'watermark',
    'since',
    'ahead',
    'prev',
    'subscribe-first',
    'id-only',
    'memory-covers',
    'doubt',
    'gap-from',
    'announced-first',
    'heard',
    'start',
    'parted',
  ])('breaks without the rule "%s"', (rule) => {
    // Most break within the first few: no more are run than it takes.
    let run = { status: 0 as number | null, stdout: '' };
    const first = FIRST[rule] ?? 1;
    for (let seed = first; seed < first + 2_500 && run.status === 0; seed += SOME) {
      run = runModel(String(SOME), String(seed), `--without=${rule}`);
    }
    expect(run.stdout).toMatch(/broken: [1-9]/);
    expect(run.status).toBe(1);
  });
});
