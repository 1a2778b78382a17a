import { SseParser, type SseBlock } from '@nestjs-sse-redis/testing';

/** A `fetch` whose streams a test can break and hold up, and which notes the blocks on their way by a parser of its own. */
export class TappedFetch {
  /** All that had an id, in the order in which it came. */
  readonly blocks: SseBlock[] = [];
  /** Streams that have opened. */
  connections = 0;
  private readonly open = new Set<AbortController>();
  private gate: Promise<void> = Promise.resolve();

  /** @param forgets whether requests leave out where the client stands: a negative control */
  constructor(private readonly forgets = false) {}

  readonly fetch: typeof fetch = async (input, init) => {
    if (this.forgets && init?.headers instanceof Headers) init.headers.delete('last-event-id');
    const controller = new AbortController();
    const signals = [controller.signal, ...(init?.signal ? [init.signal] : [])];
    this.open.add(controller);
    const response = await fetch(input, { ...init, signal: AbortSignal.any(signals) });
    if (!response.ok || !response.body) return response;
    this.connections++;
    const { status, headers } = response;
    return new Response(response.body.pipeThrough(this.createTap()), { status, headers });
  };

  drop(): void {
    for (const controller of this.open) controller.abort();
    this.open.clear();
  }

  /** Reads nothing: what comes stays with the system. @returns a function that lets it go on */
  pause(): () => void {
    let goOn!: () => void;
    const before = this.gate;
    this.gate = Promise.all([before, new Promise<void>((resolve) => (goOn = resolve))]).then(() => undefined);
    return goOn;
  }

  private createTap(): TransformStream<Uint8Array, Uint8Array> {
    const parser = new SseParser({ onBlock: (block) => block.id !== undefined && this.blocks.push(block) });
    return new TransformStream<Uint8Array, Uint8Array>({
      transform: async (chunk, controller) => {
        await this.gate;
        parser.push(chunk);
        controller.enqueue(chunk);
      },
    });
  }
}
