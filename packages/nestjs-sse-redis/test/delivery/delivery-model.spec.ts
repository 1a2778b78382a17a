import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Rules whose absence breaks few schedules: the first seed that breaks without the rule. */
const FIRST: Readonly<Record<string, number>> = {
  since: 314,
  'memory-not-ahead': 204,
  'one-block': 155,
  'last-gap': 175,
  'audit-before-leaving': 87,
  'end-confirmed': 495,
  'set-back': 61,
  'audit-forked': 173,
  'expiry-margin': 7_353,
  'idle-clock': 94_931,
  'late-read': 1_511,
  'unconfirmed-unanswered': 1_415,
  'notice-at-once': 572_021,
  'notice-before-newer': 24_111,
  'late-notice-again': 1_979,
};

/** Rules of streams over several shards. */
const OF_SHARDS: ReadonlySet<string> = new Set(['joined-id']);
/** Rules of channels whose events are forgotten before those of others. */
const OF_SHORT_LIVED: ReadonlySet<string> = new Set(['tombstone']);

const DIRECTORY = new URL('../../../../docs/model/', import.meta.url);
const MODEL = fileURLToPath(new URL('delivery-model.mjs', DIRECTORY));
const { RULES } = (await import(new URL('rules.mjs', DIRECTORY).href)) as { RULES: readonly string[] };

function runModel(...args: string[]): { status: number | null; stdout: string } {
  return spawnSync(process.execPath, [MODEL, ...args], { encoding: 'utf8' });
}

/** What the schedules of a run covered. */
function countsOf(stdout: string): Record<string, number> {
  return JSON.parse(/\{.*\}/.exec(stdout)![0]) as Record<string, number>;
}

describe('the model of the delivery rules', () => {
  it('loses, doubles and reorders nothing in 2,000 random schedules', () => {
    const { status, stdout } = runModel('2000');
    expect(stdout).toContain('broken: 0');
    expect(status).toBe(0);
    // Late events, clients that return between them, and losses that were told: without these the run shows little.
    const { late = 0, lateReturns = 0, lossTold = 0, pardoned = Infinity } = countsOf(stdout);
    expect(Math.min(late, lateReturns, lossTold)).toBeGreaterThan(100);
    expect(pardoned).toBeLessThan(lossTold / 20);
  });

  it('loses, doubles and reorders nothing in 500 schedules of pages with streams over two shards', () => {
    const { status, stdout } = runModel('500', '--shards');
    expect(stdout).toContain('broken: 0');
    expect(status).toBe(0);
    const { lateReturns = 0, failoverTold = 0 } = countsOf(stdout);
    expect(Math.min(lateReturns, failoverTold)).toBeGreaterThan(100);
  });

  it('loses, doubles and reorders nothing in 500 schedules with a channel whose events are forgotten before others', () => {
    const { status, stdout } = runModel('500', '--short');
    expect(stdout).toContain('broken: 0');
    expect(status).toBe(0);
  });

  it.each(RULES)('breaks without the rule "%s"', (rule) => {
    const first = String(FIRST[rule] ?? 1);
    const options = [
      `--without=${rule}`,
      '--until-broken',
      ...(OF_SHARDS.has(rule) ? ['--shards'] : []),
      ...(OF_SHORT_LIVED.has(rule) ? ['--short'] : []),
    ];
    const run = runModel('1000', first, ...options);
    expect(run.stdout).toMatch(/broken: [1-9]/);
    expect(run.status).toBe(1);
  });
});
