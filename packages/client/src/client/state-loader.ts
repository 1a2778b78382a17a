import { Backoff } from '../connection/backoff.js';
import { isAfter, isEventId } from '../stream/event-id.js';
import type { Snapshot } from './fetch-state.js';

/** Loads the state of a channel: at the beginning, and after each gap. Several gaps at once lead to one load. */
export class StateLoader<State> {
  private readonly backoff = new Backoff();
  private controller: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** A load that fails is the last. */
  private isFinal = false;
  /** The state has to reach up to here. */
  private needed: string | undefined;

  /**
   * @param loaded called with each state that is new enough
   * @param failed called with what `getState` throws; it is called again after a while
   */
  constructor(
    private readonly getState: (signal: AbortSignal) => Promise<Snapshot<State>>,
    private readonly loaded: (snapshot: Snapshot<State>) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  /**
   * @param delay ms
   * @param needed an id up to which the state has to reach
   */
  load(delay: number, needed?: string): void {
    this.needed = needed;
    if (!this.controller && this.timer === undefined) this.wait(delay);
  }

  /** The stream is over: the events that wait get the state once more, and a load that fails is not repeated. */
  finish(): void {
    this.isFinal = true;
  }

  stop(): void {
    this.controller?.abort();
    this.controller = undefined;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private wait(delay: number): void {
    if (delay <= 0) void this.run();
    else
      this.timer = setTimeout(() => {
        this.timer = undefined;
        void this.run();
      }, delay);
  }

  private async run(): Promise<void> {
    const controller = (this.controller = new AbortController());
    let snapshot: Snapshot<State> | undefined;
    try {
      snapshot = await this.getState(controller.signal);
      if (!isEventId(snapshot?.cursor))
        throw new TypeError('getState has to return { state, cursor }, with the cursor of hub.cursor().');
    } catch (error) {
      snapshot = undefined;
      if (this.controller === controller) this.failed(error);
    }
    if (this.controller !== controller) return;
    this.controller = undefined;
    // A gap came meanwhile, and the state may be from before it.
    const isOld = snapshot && this.needed !== undefined && isAfter(this.needed, snapshot.cursor);
    if (!snapshot || isOld) {
      if (snapshot || !this.isFinal) this.wait(this.backoff.next('grow'));
      return;
    }
    this.backoff.failures = 0;
    this.needed = undefined;
    this.loaded(snapshot);
  }
}
