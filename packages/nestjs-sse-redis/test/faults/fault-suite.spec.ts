import { appendFileSync } from 'node:fs';
import { CHOSEN_CLIENT } from './connect-client.js';
import { runFaultSuite } from './fault-suite.js';

/** FAULT_SECONDS=900 for the long run; FAULT_SEED and FAULT_SCHEDULES=1 for one schedule again; FAULT_REPORT names a
 * file that is told of failures as they come. FAULT_CLIENT=client runs `nestjs-sse-redis-client` in place of the raw client, and
 * FAULT_CROWD=4 gives each client so many copies, for more deliveries a second. */
const {
  FAULT_SECONDS = '30',
  FAULT_SCHEDULES = '1000000',
  FAULT_SEED,
  FAULT_REPORT,
  FAULT_CROWD = '0',
} = process.env;
const seconds = Number(FAULT_SECONDS);
const seed = Number(FAULT_SEED ?? Date.now() % 1_000_000);

it(
  `nothing is lost, doubled or out of order, and no gap told without a cause, whatever fails (FAULT_SEED=${seed})`,
  async () => {
    const summary = await runFaultSuite({
      seed,
      seconds,
      schedules: Number(FAULT_SCHEDULES),
      client: CHOSEN_CLIENT,
      crowding: Number(FAULT_CROWD),
      onFailure: (description) => FAULT_REPORT && appendFileSync(FAULT_REPORT, `${description}\n\n`),
    });
    process.stdout.write(`\nfault suite, ${CHOSEN_CLIENT} clients, FAULT_SEED=${seed}\n${String(summary)}\n`);
    if (summary.failures.length > 0)
      throw new Error(`${String(summary)}\n\n${summary.failures.join('\n\n')}`);
    expect(summary.counts.deliveries).toBeGreaterThan(1_000);
  },
  (seconds + 180) * 1_000,
);
