import type { Random } from '@nestjs-sse-redis/testing';

/** A `fetch` whose streams end behind blocks that the seed picks, as a broken network would end them. Other requests pass. */
export class CutStreams {
  /** Streams are cut. */
  isCutting = true;
  /** New streams wait until it resolves. */
  gate: Promise<void> | undefined;
  streams = 0;
  posts = 0;
  private open: AbortController | undefined;

  /** @param most blocks that a stream has */
  constructor(
    private readonly random: Random,
    private readonly most = 14,
  ) {}

  /** Ends the present stream. */
  cut(): void {
    this.open?.abort();
  }

  readonly fetch: typeof fetch = async (input, init) => {
    if (init?.method === 'POST') {
      this.posts++;
      return fetch(input, init);
    }
    await this.gate;
    const controller = new AbortController();
    this.open = controller;
    this.streams++;
    const signal = AbortSignal.any([controller.signal, ...(init?.signal ? [init.signal] : [])]);
    const response = await fetch(input, { ...init, signal });
    return new Response(response.body?.pipeThrough(this.cutter(controller)), response);
  };

  /** Hands on whole blocks, and after some of them no more. A block ends with an empty line. */
  private cutter(stream: AbortController): TransformStream<Uint8Array, Uint8Array> {
    const decoder = new TextDecoder();
    const encoder = new TextEncoder();
    let left = this.random.int(this.most);
    let rest = '';
    return new TransformStream({
      transform: (chunk, controller) => {
        const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
        rest = blocks.pop()!;
        for (const block of blocks) {
          if (this.isCutting && left-- <= 0) {
            controller.terminate();
            stream.abort();
            return;
          }
          controller.enqueue(encoder.encode(`${block}\n\n`));
        }
      },
    });
  }
}
