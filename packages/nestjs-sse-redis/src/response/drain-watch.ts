import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/** ms between two looks at a stream that will not tell 'drain'. */
const LOOK_EVERY = 100;

/** Waits until a slow client has taken what was written, or has taken nothing for too long. */
export class DrainWatch {
  private looks: NodeJS.Timeout | undefined;
  /** Not that of a response without a connection (Fastify's `inject()`), which takes all, and has a time-out of another kind. */
  private readonly hasTimeout: boolean;

  /**
   * @param source the stream that was written to: of a write past the response, the response emits no 'drain'
   * @param hasRoom whether the client has taken enough
   * @param stallTimeout ms without progress after which `onStall` is called
   */
  constructor(
    private readonly response: ServerResponse,
    private readonly source: Writable,
    hasRoom: () => boolean,
    stallTimeout: number,
    private readonly onDrain: () => void,
    private readonly onStall: () => void,
  ) {
    source.on('drain', onDrain);
    response.on('timeout', onStall);
    const { socket } = response as { readonly socket: Partial<Socket> | null };
    this.hasTimeout = !socket || typeof socket.setTimeout === 'function';
    // Node restarts the time whenever the client has taken some of what waits.
    if (this.hasTimeout) response.setTimeout(stallTimeout);
    // From Node 22 on a corked response keeps its bytes to itself. It and its socket may each stay below their own marks, and
    // together be over the limit: neither owes a 'drain' then (`OutgoingMessage.uncork`, `socketOnDrain` of `_http_server`).
    if (!source.writableNeedDrain) this.look(hasRoom);
  }

  private look(hasRoom: () => boolean): void {
    this.looks = setInterval(() => hasRoom() && this.onDrain(), LOOK_EVERY).unref();
  }

  /** Stops waiting. @param resetTimeout whether the response goes on */
  stop(resetTimeout: boolean): void {
    clearInterval(this.looks);
    this.source.off('drain', this.onDrain);
    this.response.off('timeout', this.onStall);
    if (resetTimeout && this.hasTimeout) this.response.setTimeout(0);
  }
}
