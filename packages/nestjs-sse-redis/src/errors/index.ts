export { SseRedisError } from './sse-redis.error.js';
export { AlreadyConnectedError } from './already-connected.error.js';
export { AuthorizationFailedError } from './authorization-failed.error.js';
export { DrainingError } from './draining.error.js';
export { ForbiddenChannelError } from './forbidden-channel.error.js';
export { HubClosedError } from './hub-closed.error.js';
export { InvalidChannelError } from './invalid-channel.error.js';
export { InvalidConnectionError } from './invalid-connection.error.js';
export { InvalidEventError } from './invalid-event.error.js';
export { InvalidEventIdError } from './invalid-event-id.error.js';
export { InvalidOptionsError } from './invalid-options.error.js';
export { NodeUnreachableError } from './node-unreachable.error.js';
export { PayloadTooLargeError } from './payload-too-large.error.js';
export { PipeInterruptedError } from './pipe-interrupted.error.js';
export { PublishOutcomeUnknownError } from './publish-outcome-unknown.error.js';
export { RedisCredentialsError } from './redis-credentials.error.js';
export {
  RedisRefusedError,
  type RedisRefusalCode,
  type RedisRefusedErrorOptions,
} from './redis-refused.error.js';
export { RedisUnavailableError } from './redis-unavailable.error.js';
export { SourceFailedError } from './source-failed.error.js';
export { TooManyChannelsError } from './too-many-channels.error.js';
export { TooManyConnectionsError } from './too-many-connections.error.js';
export { UnexpectedReplyError } from './unexpected-reply.error.js';
export { UnsupportedRedisError } from './unsupported-redis.error.js';
