import { concatMap, from, type Observable } from 'rxjs';
import { InvalidEventError } from '../errors/invalid-event.error.js';
import type { SseEventInput } from '../event/sse-event.js';
import { checkSource, type PipeSource } from '../publish/pipe-source.js';
import type { RunSource } from '../runs/run.types.js';

/** A chunk of a protocol: an object that JSON can carry. */
export type AiChunk = object;
/** The chunks of an answer, such as the ReadableStream that `toUIMessageStream()` of the AI SDK returns. */
export type AiChunks = AsyncIterable<AiChunk> | Iterable<AiChunk> | Observable<AiChunk>;
/**
 * Makes the chunks of an answer: called once, in the process that owns the run.
 *
 * @param signal is aborted when the run is stopped, replaced or interrupted: hand it to the model
 */
export type AiSource = (signal: AbortSignal) => AiChunks | Promise<AiChunks>;

/** The type of the events that carry chunks: each a line of JSON. Neighbours are joined by `batch`, since they are strings. */
export const CHUNK_TYPE = 'chunk';

/** A character takes at most three bytes for a UTF-16 unit; the rest is for what the event has besides. */
const BYTES_PER_UNIT = 4;

/** @param payloadBytes the most bytes of an event @returns a source of events */
export function toEventSource(makeChunks: AiSource, payloadBytes: number): RunSource {
  const units = Math.max(2, Math.floor(payloadBytes / BYTES_PER_UNIT));
  return async (signal) => encodeChunks(await makeChunks(signal), units);
}

/** @throws InvalidEventError */
function encodeChunks(chunks: AiChunks, units: number): PipeSource {
  checkSource(chunks, 'A run of chunks');
  if (typeof chunks === 'object' && 'subscribe' in chunks)
    return from(chunks).pipe(concatMap((chunk) => encode(chunk, units)));
  return new EncodedChunks(toIterator(chunks), units);
}

/** Leaves the chunks when it is left: a generator around them would first wait for the next one. */
class EncodedChunks implements AsyncIterableIterator<SseEventInput> {
  private readonly encoded: SseEventInput[] = [];

  constructor(
    private readonly chunks: AsyncIterator<AiChunk>,
    private readonly units: number,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<SseEventInput>> {
    if (this.encoded.length === 0) {
      const { done, value } = await this.chunks.next();
      if (done === true) return { done, value: undefined };
      this.encoded.push(...encode(value, this.units));
    }
    return { done: false, value: this.encoded.shift()! };
  }

  async return(): Promise<IteratorResult<SseEventInput>> {
    await this.chunks.return?.();
    return { done: true, value: undefined };
  }
}

function toIterator(chunks: AsyncIterable<AiChunk> | Iterable<AiChunk>): AsyncIterator<AiChunk> {
  if (Symbol.asyncIterator in chunks) return chunks[Symbol.asyncIterator]();
  return iterate(chunks)[Symbol.asyncIterator]();
}

async function* iterate(chunks: Iterable<AiChunk>): AsyncGenerator<AiChunk> {
  yield* chunks;
}

/** The events of a chunk: more than one where it is too long for an event, as a generated image is. */
function encode(chunk: unknown, units: number): SseEventInput[] {
  if (typeof chunk !== 'object' || chunk === null || ArrayBuffer.isView(chunk))
    throw new InvalidEventError(
      `A run of chunks takes objects, it got ${typeof chunk === 'string' ? 'a string' : String(chunk)}. Return the chunks themselves, such as toUIMessageStream({ stream: result.stream }) of the AI SDK, not a stream of text or bytes.`,
    );
  const line = `${JSON.stringify(chunk)}\n`;
  const events: SseEventInput[] = [];
  for (let start = 0; start < line.length;) {
    const end = toBoundary(line, start + units);
    events.push({ type: CHUNK_TYPE, data: line.slice(start, end) });
    start = end;
  }
  return events;
}

/** Half of a surrogate pair has no bytes in UTF-8. */
function toBoundary(text: string, end: number): number {
  const isHalf = end < text.length && /[\uDC00-\uDFFF]/.test(text[end]!);
  return isHalf ? end - 1 : end;
}
