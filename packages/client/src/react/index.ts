export { useChannel } from './use-channel.js';
export { useClient } from './use-client.js';
export { useConnectionState } from './use-connection-state.js';
export { useRun } from './use-run.js';
export type { ChannelHandlers } from '../client/channel-handlers.js';
export type { RunView } from '../client/run-text.js';
