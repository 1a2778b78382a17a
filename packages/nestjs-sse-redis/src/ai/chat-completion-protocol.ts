import type { ChunkProtocol } from './chunk-protocol.interface.js';

/** Streamed chat completions of OpenAI. Its own clients throw the `error` of a chunk. LangChain4j and Spring AI pass over it. */
export const CHAT_COMPLETION_STREAM: ChunkProtocol = {
  headers: {},
  toEnding: (ending, message) => ({ error: { message, type: 'run_ended', code: ending, param: null } }),
  isCutWhenBroken: true,
};
