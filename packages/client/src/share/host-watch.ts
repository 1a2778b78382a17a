/** What a tab does about a host that it does not hear. */
export interface HostWatchListener {
  /** Asks the host whether it lives. */
  ping(): void;
  /** It has not answered. */
  onSilent(): void;
}

/** ms of silence after which the host is asked. */
const QUIET = 500;
/** ms by which browsers delay the timers of background tabs (https://developer.chrome.com/blog/timer-throttling-in-chrome-88). */
const THROTTLED = 1_000;

/**
 * Finds out that the host is frozen or stuck: it is asked, and does not answer. It need not send anything by itself, for the timers of
 * a background tab are throttled, and the answers to messages are not.
 */
export class HostWatch {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private dueAt = 0;
  private heardAt = 0;
  /** When the question was asked that has not been answered. */
  private askedAt: number | undefined;

  /** @param patience ms within which the host answers */
  constructor(
    private readonly patience: number,
    private readonly listener: HostWatchListener,
  ) {}

  start(): void {
    this.stop();
    this.heardAt = performance.now();
    this.askedAt = undefined;
    this.lookAt(this.heardAt + QUIET);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** A message of the host has come. */
  heard(): void {
    this.heardAt = performance.now();
    if (this.askedAt === undefined) return;
    this.askedAt = undefined;
    // Timers that follow from timers run once a minute in a tab that is hidden for long. This one follows from a message.
    if (this.timer !== undefined) this.lookAt(this.heardAt + QUIET);
  }

  get isSilent(): boolean {
    return performance.now() - this.heardAt >= this.patience;
  }

  private lookAt(time: number): void {
    clearTimeout(this.timer);
    this.dueAt = time;
    this.timer = setTimeout(() => this.look(), Math.max(0, time - performance.now()));
    (this.timer as { unref?: () => void }).unref?.();
  }

  private look(): void {
    const now = performance.now();
    // This tab was itself frozen or stuck. The answer may be among the messages that are yet to be read.
    if (now - this.dueAt > this.patience + THROTTLED) this.askedAt = undefined;
    if (this.askedAt === undefined) {
      if (now - this.heardAt < QUIET) {
        this.lookAt(this.heardAt + QUIET);
        return;
      }
      this.askedAt = now;
    } else if (now - this.askedAt >= this.patience) {
      this.askedAt = now;
      this.listener.onSilent();
    }
    this.lookAt(this.askedAt + this.patience);
    this.listener.ping();
  }
}
