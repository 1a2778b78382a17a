import type { CloseCause } from '../delivery/hub-counters.js';
import type { ResponseSink } from '../response/response-sink.js';

const HELD_CAUSES: ReadonlySet<CloseCause> = new Set(['refused', 'forbidden', 'redis-unavailable', 'failed']);

/** The least time from a request to the end of its refusal. A client that ignores `retry:` then makes one request a second. */
export const REFUSAL_MS = 1_000;
/** Refusals that are held at once; beyond, each ends at once, since it costs memory while it is held. */
export const MOST_HELD = 1_000;

/** Whether a connection that ends so was refused. */
export function isHeld(cause: CloseCause): boolean {
  return HELD_CAUSES.has(cause);
}

/** Responses of refused clients, which have their answer and are held open. */
export class HeldRefusals {
  private readonly held = new Map<ResponseSink, NodeJS.Timeout>();
  private isReleased = false;

  /** @param beganAt when the request came, in ms of `performance.now()` */
  end(response: ResponseSink, beganAt: number): void {
    const left = REFUSAL_MS - (performance.now() - beganAt);
    if (this.isReleased || left <= 0 || this.held.size >= MOST_HELD) return response.end();
    const timer = setTimeout(() => this.release(response), left);
    timer.unref();
    this.held.set(response, timer);
    void response.closed().then(() => this.drop(response));
  }

  /** Ends all of them, and holds no more. */
  releaseAll(): void {
    this.isReleased = true;
    for (const response of [...this.held.keys()]) this.release(response);
  }

  private release(response: ResponseSink): void {
    this.drop(response);
    response.end();
  }

  private drop(response: ResponseSink): void {
    clearTimeout(this.held.get(response));
    this.held.delete(response);
  }
}
