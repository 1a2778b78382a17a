import type { SseClient } from './sse-client.js';

/**
 * Whether a client may be asked for a channel. One that its owner has closed counts as none: Fast Refresh runs the effects of a rendering
 * again that had the client of before, and an error in an effect would take the whole page away. And a user may have logged out in another tab.
 */
export function isUsable(client: SseClient | undefined): client is SseClient {
  const state = client?.state;
  return state !== undefined && !(state.status === 'stopped' && state.reason === 'closed');
}
