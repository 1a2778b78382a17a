/**
 * Why an answer is not whole.
 *
 * - `failed`: its source threw, or gave what is no chunk
 * - `stopped`: somebody stopped it, or another run replaced it
 * - `interrupted`: its process was shut down or died
 * - `gap`: Redis does not have all of it any more
 */
export type BrokenEnding = 'failed' | 'stopped' | 'interrupted' | 'gap';

/** How a client of a protocol learns what a run of the hub says. */
export interface ChunkProtocol {
  /** Fields of the answer beside those of every event stream. */
  readonly headers: Readonly<Record<string, string>>;
  /** The chunk that says why an answer is not whole. @param text for people */
  toEnding(ending: BrokenEnding, text: string): object;
  /**
   * Whether the connection breaks behind that chunk, in place of `[DONE]`: some clients of the protocol pass over it, and take an end for
   * that of a whole answer.
   */
  readonly isCutWhenBroken: boolean;
}
