import { InvalidArgumentError } from '../errors/invalid-argument.error.js';
import type { SseClient } from '../http/sse-client.decorator.js';
import { defineAiRun } from './define-ai-run.js';
import type { AiRunOptions } from './ai-run-options.js';
import { UI_MESSAGE_STREAM } from './ui-message-protocol.js';

/** The channel of a chat. @param chat the id that the client gave it: whoever knows it may ask for it, so check it or use `client.user` */
export type ChatChannel = (
  chat: string,
  client: SseClient,
  // oxlint-disable-next-line typescript/no-explicit-any -- Express' and Fastify's requests have no common type
  request: any,
) => string | Promise<string>;

const CHAT_PARAMETER = 'chatId';

interface ChatRequest {
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: { readonly id?: unknown } | null;
}

/**
 * Makes the routes of a chat that the AI SDK's `useChat()` and `DefaultChatTransport` call, of a method that makes the answer as
 * UI message chunks. Clients may reload, lose their connection, and change processes meanwhile.
 *
 * - `POST path` with the `id` of a chat starts its run, and streams it
 * - `GET path/:chatId/stream` streams the run from its beginning, and answers 204 when nothing runs
 * - `DELETE path/:chatId/stream` stops the run, in whatever process it is; `stop()` of the client only disconnects
 *
 * Where the path has a parameter `:chatId` all three have that path. Guards, filters and interceptors of the method hold for all
 * three, and `authorize` is asked before anything is started or stopped. The method returns a function `(signal) => chunks`.
 *
 * @param path as that of `@Post()`
 * @throws InvalidArgumentError 400 where a request names no chat
 * @example
 * ```ts
 * @UiMessageRun('', (chat, { user }) => `chat:${user}:${chat}`)
 * answer(@Body() { messages }: { messages: UIMessage[] }): AiSource {
 *   return async (abortSignal) => {
 *     const result = streamText({ model, messages: await convertToModelMessages(messages), abortSignal });
 *     return toUIMessageStream({ stream: result.stream });
 *   };
 * }
 * ```
 */
export function UiMessageRun(
  path: string,
  channel: ChatChannel,
  options: AiRunOptions = {},
): MethodDecorator {
  const isNamed = path.split('/').includes(`:${CHAT_PARAMETER}`);
  return defineAiRun({
    path,
    resumePath: isNamed ? path : `${path}/:${CHAT_PARAMETER}/stream`,
    channel: (request: ChatRequest, client) => channel(getChat(request), client, request),
    protocol: UI_MESSAGE_STREAM,
    options,
  });
}

/** @throws InvalidArgumentError */
function getChat({ params, body }: ChatRequest): string {
  const chat = params?.[CHAT_PARAMETER] ?? body?.id;
  if (typeof chat === 'string' && chat !== '') return chat;
  throw new InvalidArgumentError(
    'The body needs the id of the chat, { id: "…", messages: […] }, as useChat() and DefaultChatTransport send it.',
  );
}
