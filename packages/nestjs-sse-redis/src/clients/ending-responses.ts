import type { ResponseSink } from '../response/response-sink.js';
import { endWithin, LEAST_ANSWER_MS } from './drain.js';

/** Responses of closed connections that are still open: over HTTP/2 a client may take nothing, and the server would never close. */
export class EndingResponses {
  private readonly responses = new Set<ResponseSink>();
  private isOver = false;

  add(response: ResponseSink): void {
    this.responses.add(response);
    void response.closed().then(() => this.responses.delete(response));
    if (this.isOver) void endWithin(LEAST_ANSWER_MS, [{ response }]);
  }

  /**
   * Cuts all of them that have not ended by then, and those that come later a moment after they come.
   *
   * @param newcomers that are being sent away: they have their answer first
   * @param left of the time of the drain, ms
   */
  async cut(newcomers: readonly { readonly response: ResponseSink }[], left: number): Promise<void> {
    this.isOver = true;
    const ending = Array.from(this.responses, (response) => ({ response }));
    await endWithin(Math.max(LEAST_ANSWER_MS, left), [...newcomers, ...ending]);
  }
}
