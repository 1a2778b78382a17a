import {
  Body,
  Controller,
  Inject,
  Injectable,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import {
  convertToModelMessages,
  generateId,
  streamText,
  toUIMessageStream,
  type LanguageModel,
  type UIMessage,
} from 'ai';
import type { RunningApp } from '@nestjs-sse-redis/testing';
import type { Server } from 'node:http';
import {
  SseRedisModule,
  SseRun,
  type RunSource,
  type SseEventInput,
  type SseRedisOptions,
} from 'nestjs-sse-redis';
import { UiMessageRun, type AiSource } from '../../src/ai/index.js';

const MODEL = 'MODEL';

/** Lets in all but `nobody`. */
@Injectable()
class NameGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: object }>();
    request.user = { id: request.headers['x-user'] ?? 'ada' };
    return request.headers['x-user'] !== 'nobody';
  }
}

interface ChatBody {
  readonly messages: UIMessage[];
}

@Controller('api/chat')
export class ChatController {
  constructor(@Inject(MODEL) private readonly model: LanguageModel) {}

  @UseGuards(NameGuard)
  @UiMessageRun('', (chat) => `chat:${chat}`)
  answer(@Body() { messages }: ChatBody): AiSource {
    return async (abortSignal) => {
      const prompt = await convertToModelMessages(messages);
      const result = streamText({ model: this.model, messages: prompt, abortSignal, onError: () => {} });
      return toUIMessageStream({
        stream: result.stream,
        originalMessages: messages,
        generateMessageId: generateId,
      });
    };
  }

  /** Negative control: the hub's own events. */
  @SseRun('plain', (request: { body: { id: string } }) => `plain:${request.body.id}`)
  plain(@Body() { messages }: ChatBody): RunSource {
    return async (abortSignal) => {
      const prompt = await convertToModelMessages(messages);
      const result = streamText({ model: this.model, messages: prompt, abortSignal });
      return toEvents(toUIMessageStream({ stream: result.stream }));
    };
  }
}

async function* toEvents(chunks: AsyncIterable<unknown>): AsyncGenerator<SseEventInput> {
  for await (const data of chunks) yield { data };
}

/** An application with a chat. */
export function chatModule(options: SseRedisOptions, model: LanguageModel) {
  return {
    imports: [SseRedisModule.forRoot(options)],
    controllers: [ChatController],
    providers: [{ provide: MODEL, useValue: model }],
  };
}

/** Where a response was cancelled, Node's fetch opens a connection ahead, on which a server waits for a request for a minute. */
export async function closeAtOnce({ app, close }: RunningApp): Promise<void> {
  (app.getHttpServer() as Server).closeAllConnections();
  await close();
}
