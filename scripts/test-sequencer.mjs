// The order of test files: the longest first, so that none runs alone at the end. Jest sorts by how long files took, but a fresh
// clone has no such times: Jest then takes the largest file for the longest, and the fault suite is among the smallest.
import { createRequire } from 'node:module';

// Not imported: its types would bring those of Node to the demo's browser scripts, which the linter checks as one program with this.
const { default: Sequencer } = createRequire(import.meta.url)('@jest/test-sequencer');

/** Files that take thirty seconds and more with three workers on two busy cores, the longest first. */
const LONGEST = [
  'nestjs-sse-redis/test/package.spec.ts',
  'registry/idle.spec.ts',
  'demo/test/demo.browser.spec.ts',
  'client/test/share/share-failures.spec.ts',
  'http/drain.spec.ts',
  'client/test/share/shared-stream.spec.ts',
  'faults/cluster-faults.spec.ts',
  'faults/sentinel-failover.spec.ts',
  'clients/clients.spec.ts',
  'faults/twins.spec.ts',
  'delivery/delivery-model.spec.ts',
  'runs/run-faults.spec.ts',
  'bridges/on-sse-event-processes.spec.ts',
  'processes/delivery.spec.ts',
  'registry/node-crash.spec.ts',
  'http/sse-stream-filter.spec.ts',
  'registry/rolling-restart.spec.ts',
  'client/test/share/random-leaders.spec.ts',
  'http/cut-anywhere.spec.ts',
  'hub/pipe.spec.ts',
  'hub/serialize.spec.ts',
  'http/slow-client.spec.ts',
  'broker/role-swap.spec.ts',
  'hub/events.spec.ts',
  'client/test/types/types.spec.ts',
  'faults/eviction.spec.ts',
  'broker/sentinel.spec.ts',
  'processes/closing-pipes.spec.ts',
  'faults/client-faults.spec.ts',
  'hub/publish.spec.ts',
  'hub/second-run.spec.ts',
  'client/test/connection/pages.spec.ts',
  'runs/runs.spec.ts',
  'hub/history.spec.ts',
  'hub/many-channels.spec.ts',
  'client/test/bindings/bindings.spec.ts',
  'bench/test/bench.spec.ts',
  'channels/history.spec.ts',
  'hub/shards.spec.ts',
  'ai/ui-message-run.spec.ts',
  'hub/failover-edges.spec.ts',
  'client/test/package.spec.ts',
  'broker/link-proof.spec.ts',
  'broker/cluster.spec.ts',
  'http/broadcast.spec.ts',
  'faults/stuck-clients.spec.ts',
  'http/connect.spec.ts',
  'http/foreign-writers.spec.ts',
  'http/remote-commands.spec.ts',
  'publisher/frozen.spec.ts',
  'hub/failover-gap.spec.ts',
  'registry/many-connections.spec.ts',
  'testing/test/test-cluster.spec.ts',
  'http/authorization.spec.ts',
  'http/direct-writes.spec.ts',
  'broker/cluster-access.spec.ts',
  'http/nest-observable.spec.ts',
  'faults/fault-suite.spec.ts',
  'demo/test/demo.spec.ts',
  'broker/own-retention.contract.spec.ts',
  'event/event-record.spec.ts',
  'parsers/parsers.spec.ts',
  'http/response-guard.spec.ts',
  'broker/redis-rights.spec.ts',
  'broker/broker.contract.spec.ts',
  'http/redis-outage.spec.ts',
  'broker/cluster-nodes.spec.ts',
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
