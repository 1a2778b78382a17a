export * from './channels/index.js';
import './nest-link.js';
export { SseRedisModule } from './sse-redis.module.js';
export { SSE_REDIS_OPTIONS } from './sse-redis.module-definition.js';
export type { ChannelLike, NamedChannel } from './event/channel-reference.js';
export type { FeatureOptions } from './sse-redis.feature-module.js';
export type { SseRedisOptions, SseRedisOptionsFactory } from './options/sse-redis-options.interface.js';
export type { OptionsByPattern, RulesByPattern } from './options/root-options.interface.js';
export type { RedisClusterOptions, ServerAddress } from './options/redis-cluster-options.interface.js';
export type { RedisCredentials, RedisCredentialsFunction } from './options/redis-credentials.interface.js';
export type { UserId } from './options/user-id.js';
export type { OptionClass, SseAuthorizer, SseIdentifier } from './options/option-class.interface.js';
export type { SerializeContext, SerializeFunction } from './options/serialize-function.interface.js';
export { SseHub } from './hub/sse-hub.js';
export type { ConnectOptions, EventsOptions, Readiness, StartFrom, StartOfChannel } from './hub/hub.types.js';
export type { HubStats } from './hub/hub-stats.js';
export type { CatchUpCause } from './delivery/hub-counters.js';
export type { HistoryOptions } from './delivery/history.js';
export type { HistoryPage } from './delivery/history-page.js';
export type {
  ConnectionsResult,
  DisconnectOptions,
  SendOutcome,
  SubscribeOptions,
} from './control/control.types.js';
export type {
  ChannelEventInput,
  EventInputOf,
  PipeItemOf,
  Published,
  OptionsArgument,
  PublishOptions,
  PublishOptionsOf,
  PublishResult,
  RemoveOptions,
} from './publish/publish.types.js';
export type { ConnectionTarget } from './control/connection-command.js';
export type { PipeItem, PipeSource } from './publish/pipe-source.js';
export type {
  Run,
  RunBatch,
  RunEndState,
  RunInfo,
  RunOptions,
  RunOutcome,
  RunSource,
  RunState,
} from './runs/run.types.js';
export { eventIdOf } from './event/last-event-id.js';
export type { SseEvent, SseEventInput } from './event/sse-event.js';
export { SseRedisErrorFilter } from './http/sse-redis-error.filter.js';
export { SseStreamFilter } from './http/sse-stream.filter.js';
export { SseClient } from './http/sse-client.decorator.js';
export type { AdapterRequest, RequestClient } from './http/request-client.js';
export type { ConnectingClient } from './clients/connecting-client.js';
export { SseChannels } from './http/sse-channels.decorator.js';
export { SseSnapshot } from './http/sse-snapshot.decorator.js';
export { PublishTo, type ChannelOfResult, type PublishOptionsOfResult } from './http/publish-to.decorator.js';
export { OnSseEvent } from './listeners/on-sse-event.decorator.js';
export type { SseListenerOptions } from './listeners/listener-options.js';
export { SseRun } from './http/sse-run.decorator.js';
export type { RunChannelOfRequest, SseRunOptions } from './http/run-route.js';
export type { ChannelsOfRequest } from './http/channels-of-request.js';
export {
  SseConnectionsController,
  type ChannelsChange,
  type ChannelsChanged,
} from './http/sse-connections.controller.js';
export { SseRegistry, type ChangesGap, type PageOptions } from './registry/sse-registry.js';
export type {
  ConnectionChange,
  ConnectionFilter,
  ConnectionPage,
  ConnectionRecord,
  NodeRecord,
  PresencePage,
} from './broker/registry-store.interface.js';
export { toItemSchemas } from './openapi/to-item-schemas.js';
export * from './errors/index.js';
