// Test files that take long. Nothing is imported: this is read before anything is installed.

/** Files that take a minute and more on two cores, the longest first. */
export const LONGEST = [
  '/nestjs-sse-redis/test/package.spec.ts',
  '/demo/test/demo.browser.spec.ts',
  '/registry/idle.spec.ts',
  '/faults/cluster-faults.spec.ts',
  '/client/test/share/shared-stream.spec.ts',
  '/client/test/share/share-failures.spec.ts',
  '/hub/history.spec.ts',
  '/faults/sentinel-failover.spec.ts',
  '/runs/run-faults.spec.ts',
  '/http/drain.spec.ts',
  '/clients/clients.spec.ts',
  '/http/sse-stream-filter.spec.ts',
  '/broker/role-swap.spec.ts',
  '/client/test/share/random-leaders.spec.ts',
  '/client/test/bindings/bindings.spec.ts',
];

/** Files of about half a minute and more. They come last, behind the groups: the shorter the last ones, the less runs alone. */
export const LONG = [
  '/http/cut-anywhere.spec.ts',
  '/faults/twins.spec.ts',
  '/hub/serialize.spec.ts',
  '/http/slow-client.spec.ts',
  '/hub/second-run.spec.ts',
  '/broker/sentinel.spec.ts',
  '/client/test/connection/pages.spec.ts',
  '/registry/many-connections.spec.ts',
  '/registry/node-crash.spec.ts',
  '/processes/closing-pipes.spec.ts',
  '/faults/stuck-clients.spec.ts',
  '/faults/fault-suite.spec.ts',
  '/publisher/frozen.spec.ts',
  '/parsers/parsers.spec.ts',
  '/runs/runs.spec.ts',
  '/broker/link-proof.spec.ts',
  '/hub/publish.spec.ts',
  '/bench/test/bench.spec.ts',
  '/demo/test/demo.cluster.browser.spec.ts',
];

/** Whether a file takes so long that it is no part of a group. */
export const isLong = (path) => [...LONGEST, ...LONG].some((end) => path.endsWith(end));
