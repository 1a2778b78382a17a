export type { ConnectionState, StopReason, WaitReason } from './connection/connection-state.js';
export type { StreamEvent } from './connection/stream-event.js';
