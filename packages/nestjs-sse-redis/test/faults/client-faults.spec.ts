import type { FaultClientKind } from './connect-client.js';
import { runFaultSuite } from './fault-suite.js';

const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);

/** `FAULT_CLIENT=client FAULT_SECONDS=900 npm run test:faults` is the long run. */
const runOne = (client: FaultClientKind) => runFaultSuite({ seed, seconds: 120, schedules: 1, client });

it(`the client of pages loses, doubles and reorders nothing, whatever fails (FAULT_SEED=${seed})`, async () => {
  const summary = await runOne('client');
  if (summary.failures.length > 0) throw new Error(summary.failures.join());
  expect(summary.counts.deliveries).toBeGreaterThan(500);
});

it(`the client of pages loses events where its requests do not say where it stands (negative control, FAULT_SEED=${seed})`, async () => {
  const summary = await runOne('forgetful');
  expect(summary.counts.lost).toBeGreaterThan(0);
});
