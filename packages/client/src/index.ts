export type { ConnectionState, StopReason, WaitReason } from './connection/connection-state.js';
export type { StreamEvent } from './connection/stream-event.js';
export { InvalidClientOptionsError } from './connection/invalid-client-options.error.js';
export type {
  ClientLog,
  ClientLogEntry,
  ConnectionOptions,
  HeadersLike,
  PerAttempt,
  TransportName,
} from './connection/connection-options.js';
export type { ConnectionListener, ControlNotice } from './connection/connection-listener.js';
export { StreamConnection } from './connection/stream-connection.js';
export type { ChangeNotice } from './connection/connection-listener.js';
export type { StreamOptions } from './stream/channel-changes.js';
export type {
  ChannelInspection,
  CloseOptions,
  EventStream,
  EventStreamListener,
  InspectableStream,
  RefusalReason,
  StreamPlace,
} from './stream/event-stream.interface.js';
export { LocalStream } from './stream/local-stream.js';
export { isAfter } from './stream/event-id.js';
export { createClient } from './client/create-client.js';
export { SseClient, type ClientOptions, type ShareProvider } from './client/sse-client.js';
export { Channel, type ChannelOptions } from './client/channel.js';
export { stateMap, StateMap, type StateChannel, type StateMapView } from './client/state-map.js';
export { channelOf } from './client/channel-of.js';
export { fetchState, type Snapshot } from './client/fetch-state.js';
export { parseData, type ParseData } from './client/parse-data.js';
export { SseClientError, type SseClientErrorCode } from './client/client-error.js';
export type {
  AllEvents,
  ChannelEvent,
  ChannelRef,
  DefinitionLike,
  EndData,
  ErrorData,
  EventListenerOf,
  EventMap,
  EventOf,
  EventsOf,
  GapData,
  HubEvents,
  MapData,
  PageEventsOf,
  ParametersOf,
  StateEventOf,
  StateOf,
} from './client/channel-types.js';
