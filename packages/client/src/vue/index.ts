export { useChannel } from './use-channel.js';
export { useClient } from './use-client.js';
export { useConnectionState } from './use-connection-state.js';
export { usePresence } from './use-presence.js';
export { useRun } from './use-run.js';
export type { ChannelHandlers } from '../client/channel-handlers.js';
export type { RunView } from '../client/run-text.js';
export type { LoadPresence, Presence, PresenceOptions, PresenceView } from '../client/presence.js';
