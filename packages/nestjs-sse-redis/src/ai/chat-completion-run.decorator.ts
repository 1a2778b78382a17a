import type { AdapterRequest } from '../http/request-client.js';
import { resolveChannels } from '../http/channels-of-request.js';
import type { ChannelLike } from '../event/channel-reference.js';
import { InvalidArgumentError } from '../errors/invalid-argument.error.js';
import type { RunChannelOfRequest } from '../http/run-route.js';
import type { SseClient } from '../http/sse-client.decorator.js';
import { defineAiRun } from './define-ai-run.js';
import type { AiRunOptions } from './ai-run-options.js';
import { CHAT_COMPLETION_STREAM } from './chat-completion-protocol.js';

interface CompletionRequest {
  readonly method?: string;
  readonly body?: { readonly stream?: unknown } | null;
}

/**
 * Makes routes that clients of OpenAI's streamed chat completions read, of a method that makes `chat.completion.chunk` objects: `POST`
 * starts the run and streams it, `GET` streams it from its beginning and answers 204 when nothing runs, `DELETE` stops it.
 *
 * Guards, filters and interceptors of the method hold for all three, and `authorize` is asked before anything is started or
 * stopped. The method returns a function `(signal) => chunks`.
 *
 * @param path as that of `@Post()`; OpenAI's client adds `/chat/completions` to its `baseURL`
 * @param channel the channel of a request
 * @throws InvalidArgumentError 400 where a request does not ask for a stream
 * @example
 * ```ts
 * @ChatCompletionRun('chats/:id/chat/completions', (request) => `chat:${request.params.id}`)
 * complete(@Body() body: ChatCompletionCreateParamsStreaming): AiSource {
 *   return (signal) => this.openai.chat.completions.create(body, { signal });
 * }
 * ```
 */
export function ChatCompletionRun(
  path: string,
  channel: RunChannelOfRequest,
  options: AiRunOptions = {},
): MethodDecorator {
  return defineAiRun({
    path,
    channel: async (request: CompletionRequest, client: SseClient) => {
      checkStream(request);
      return (await resolveChannels(channel, request as AdapterRequest, client)) as ChannelLike;
    },
    protocol: CHAT_COMPLETION_STREAM,
    options,
  });
}

/** @throws InvalidArgumentError */
function checkStream({ method, body }: CompletionRequest): void {
  if (method !== 'POST' || body?.stream === true) return;
  throw new InvalidArgumentError('This route only streams: send { "stream": true } in the body.');
}
