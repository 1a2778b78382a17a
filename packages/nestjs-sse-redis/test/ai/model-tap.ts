import { MockLanguageModelV4 } from 'ai/test';

type StreamResult = Awaited<ReturnType<MockLanguageModelV4['doStream']>>;
type Part = StreamResult['stream'] extends ReadableStream<infer P> ? P : never;

const USAGE = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
};

/** A call of the model: an answer that says what it is told to. */
export class ModelCall {
  text = '';
  private readonly controller: ReadableStreamDefaultController<Part>;
  readonly stream: ReadableStream<Part>;

  constructor(readonly signal: AbortSignal | undefined) {
    let own!: ReadableStreamDefaultController<Part>;
    this.stream = new ReadableStream<Part>({ start: (controller) => void (own = controller) });
    this.controller = own;
    this.controller.enqueue({ type: 'stream-start', warnings: [] });
    this.controller.enqueue({ type: 'text-start', id: '1' });
  }

  give(...texts: string[]): void {
    for (const delta of texts) {
      this.text += delta;
      this.controller.enqueue({ type: 'text-delta', id: '1', delta });
    }
  }

  put(part: Part): void {
    this.controller.enqueue(part);
  }

  end(): void {
    this.controller.enqueue({ type: 'text-end', id: '1' });
    this.controller.enqueue({
      type: 'finish',
      finishReason: { unified: 'stop', raw: undefined },
      usage: USAGE,
    });
    this.controller.close();
  }

  fail(error: Error): void {
    this.controller.error(error);
  }
}

/** The AI SDK's mock of a model, and its calls. */
export class ModelTap {
  readonly calls: ModelCall[] = [];
  readonly model = new MockLanguageModelV4({
    doStream: async ({ abortSignal }) => {
      const call = new ModelCall(abortSignal);
      this.calls.push(call);
      return Promise.resolve({ stream: call.stream });
    },
  });
}
