export { adapters, createAdapter, forEachAdapter, type AdapterName, type TestAdapter } from './adapters.js';
export { announceReady, onParentMessage, serveRequests, tellParent } from './child.js';
export { Crowd, type CrowdMember } from './crowd.js';
export { deferred, type Deferred } from './deferred.js';
export { freePort } from './free-port.js';
export { isHubEvent, isPositionEvent, ownIdOf } from './hub-events.js';
export { assertWhole, compare, type Ledger } from './ledger.js';
export { AppProcess, type AppProcessOptions, type ProcessExit } from './node-process.js';
export type { Direction, ProxyConnection, Transform } from './proxy-connection.js';
export { mulberry32, Random } from './random.js';
export { ReconnectingClient, type ReconnectingClientOptions } from './reconnecting-client.js';
export { findRedisBinary, findRedisCli, hasShardedPubSub } from './redis-binary.js';
export { RedisServer, type RedisServerOptions } from './redis-server.js';
export { SseParser, type SseBlock, type SseMessage, type SseParserOptions } from './sse-parser.js';
export { SseStream, type SseStreamOptions, type StreamEnd } from './sse-stream.js';
export { SlotMigration, type MigrationStep, type SlotMigrationOptions } from './slot-migration.js';
export { startApp, type RunningApp, type StartAppOptions } from './start-app.js';
export { Stopwatch } from './stopwatch.js';
export { threadTime } from './thread-time.js';
export {
  TestCluster,
  type MigrateOptions,
  type ReshardOptions,
  type TestClusterOptions,
} from './test-cluster.js';
export { TestSentinel, type TestSentinelOptions } from './test-sentinel.js';
export { TcpProxy, type TcpProxyOptions } from './tcp-proxy.js';
export { until, type UntilOptions } from './until.js';
export { useRedis } from './use-redis.js';
