import type { ChunkProtocol } from './chunk-protocol.interface.js';

/** Streamed chat completions of OpenAI. Its clients throw the `error` of a chunk; nothing else says that an answer is not whole. */
export const CHAT_COMPLETION_STREAM: ChunkProtocol = {
  headers: {},
  toEnding: (ending, message) => ({ error: { message, type: 'run_ended', code: ending, param: null } }),
};
