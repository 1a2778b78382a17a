// The order of test files: the longest first, so that none runs alone at the end. Jest sorts by how long files took, but a fresh
// clone has no such times: Jest then takes the largest file for the longest, and the fault suite is among the smallest.
import { createRequire } from 'node:module';

// Not imported: its types would bring those of Node to the demo's browser scripts, which the linter checks as one program with this.
const { default: Sequencer } = createRequire(import.meta.url)('@jest/test-sequencer');

/** Files that take ten seconds and more, the longest first. */
const LONGEST = [
  'package.spec.ts',
  'registry/idle.spec.ts',
  'faults/sentinel-failover.spec.ts',
  'clients/clients.spec.ts',
  'faults/fault-suite.spec.ts',
  'registry/rolling-restart.spec.ts',
  'faults/twins.spec.ts',
  'processes/delivery.spec.ts',
  'processes/closing-pipes.spec.ts',
  'registry/node-crash.spec.ts',
  'hub/many-channels.spec.ts',
  'faults/stuck-clients.spec.ts',
  'http/slow-client.spec.ts',
  'http/drain.spec.ts',
  'broker/sentinel.spec.ts',
  'broker/role-swap.spec.ts',
  'http/cut-anywhere.spec.ts',
  'demo/test/demo.spec.ts',
  'demo/test/demo.cluster.browser.spec.ts',
  'faults/reconnect-storm.spec.ts',
  'registry/many-connections.spec.ts',
  'http/direct-writes.spec.ts',
  'bench/test/bench.spec.ts',
  'parsers/parsers.spec.ts',
  'registry/other-processes.spec.ts',
  'faults/deaf-subscription.spec.ts',
  'delivery/delivery-model.spec.ts',
  'demo/test/demo.browser.spec.ts',
];

export default class LongestFirst extends Sequencer {
  /** Times that Jest has kept are newer than the list. */
  sort(tests) {
    const sorted = super.sort([...tests]);
    if (sorted.some((test) => this.time(test) !== undefined)) return sorted;
    const rank = ({ path }) =>
      LONGEST.findIndex((name) => path.endsWith(`/${name}`)) + 1 || LONGEST.length + 1;
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}
