import { setTimeout as delay } from 'node:timers/promises';
import { withinTime } from '../util/within-time.js';
import type { ResponseSink } from '../response/response-sink.js';

const STEP_MS = 20;
/** No slower than this, where there are few: nobody wants to wait seconds for three streams. */
const MS_PER_STREAM = 10;
/** The part of the time in which streams are closed; what is left is for the last of them to end. */
const CLOSING_PART = 0.8;
/** The least time in which a newcomer is sent away before it is cut. */
export const LEAST_ANSWER_MS = 200;

/** Something with a response that is to be ended. */
interface Drainable {
  readonly response: Pick<ResponseSink, 'closed' | 'destroy'>;
  readonly isClosed: boolean;
}

/** Closes streams one after the other over some time, so that their clients do not all come to the other processes at once. */
export class Drain {
  active = false;
  total = 0;
  left = 0;

  /**
   * @param timeout ms after which responses that have not ended are cut
   * @returns how much of it is left, ms
   */
  async run<T extends Drainable>(
    streams: readonly T[],
    timeout: number,
    close: (stream: T) => void,
  ): Promise<number> {
    this.active = true;
    this.total = this.left = streams.length;
    const began = performance.now();
    const left = () => Math.max(0, timeout - (performance.now() - began));
    for (const { response } of streams) void response.closed().then(() => this.left--);
    const window = Math.min(timeout * CLOSING_PART, streams.length * MS_PER_STREAM);
    // In no order, so that those who came together do not go together.
    const waiting = shuffled(streams);
    for (;;) {
      const part = window > 0 ? (performance.now() - began) / window : 1;
      const due = Math.max(1, Math.ceil(streams.length * part));
      while (waiting.length > 0 && streams.length - waiting.length < due) {
        const stream = waiting.pop()!;
        if (!stream.isClosed) close(stream);
      }
      if (waiting.length === 0) break;
      await delay(STEP_MS);
    }
    await endWithin(left(), streams);
    return left();
  }
}

/** Waits until responses have ended, and cuts those that have not when the time is up. @param ms milliseconds */
export async function endWithin(ms: number, streams: readonly Pick<Drainable, 'response'>[]): Promise<void> {
  await withinTime(Promise.all(streams.map(({ response }) => response.closed())), ms);
  for (const { response } of streams) response.destroy();
}

function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
