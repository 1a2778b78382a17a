export { UiMessageRun, type ChatChannel } from './ui-message-run.decorator.js';
export { ChatCompletionRun } from './chat-completion-run.decorator.js';
export type { AiRunOptions } from './ai-run-options.js';
export type { AiChunk, AiChunks, AiSource } from './chunk-source.js';
export type { BrokenEnding } from './chunk-protocol.interface.js';
