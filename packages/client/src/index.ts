export type { ConnectionState, StopReason, WaitReason } from './connection/connection-state.js';
export type { StreamEvent } from './connection/stream-event.js';
export { InvalidClientOptionsError } from './connection/invalid-client-options.error.js';
export type { ClientLog, ClientLogEntry, ConnectionOptions } from './connection/connection-options.js';
export type { ConnectionListener, ControlNotice } from './connection/connection-listener.js';
export { StreamConnection } from './connection/stream-connection.js';
