import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';

/** Waits until a slow client has taken what was written, or has taken nothing for too long. */
export class DrainWatch {
  /**
   * @param source the stream that was written to: of a write past the response, the response emits no 'drain'
   * @param stallTimeout ms without progress after which `onStall` is called
   */
  constructor(
    private readonly response: ServerResponse,
    private readonly source: Writable,
    stallTimeout: number,
    private readonly onDrain: () => void,
    private readonly onStall: () => void,
  ) {
    source.on('drain', onDrain);
    response.on('timeout', onStall);
    // Node restarts the time whenever the client has taken some of what waits.
    response.setTimeout(stallTimeout);
  }

  /** Stops waiting. @param resetTimeout whether the response goes on */
  stop(resetTimeout: boolean): void {
    this.source.off('drain', this.onDrain);
    this.response.off('timeout', this.onStall);
    if (resetTimeout) this.response.setTimeout(0);
  }
}
