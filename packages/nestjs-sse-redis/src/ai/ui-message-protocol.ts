import type { ChunkProtocol } from './chunk-protocol.interface.js';

/** The UI message stream of the AI SDK (`ai` 5 and later): `src/ui-message-stream/ui-message-chunks.ts` there. */
export const UI_MESSAGE_STREAM: ChunkProtocol = {
  headers: { 'X-Vercel-AI-UI-Message-Stream': 'v1' },
  // Of `ai` 5 an `abort` has no other fields: its schemas are strict.
  toEnding: (ending, errorText) => (ending === 'stopped' ? { type: 'abort' } : { type: 'error', errorText }),
  isCutWhenBroken: false,
};
