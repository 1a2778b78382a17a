/** What a tab does about a host that it does not hear. */
export interface HostWatchListener {
  /** Asks the host whether it lives. */
  ping(): void;
  /** It has not answered. */
  onSilent(): void;
}

/** ms between two looks. Browsers run the timers of background tabs once a second, and later once a minute. */
const TICK = 250;
/** ms of silence after which the host is asked. */
const QUIET = 500;

/**
 * Finds out that the host is frozen or stuck: it is asked, and does not answer. It need not send anything by itself, for the timers of
 * a background tab are throttled, and the answers to messages are not.
 */
export class HostWatch {
  private timer: ReturnType<typeof setInterval> | undefined;
  private lookedAt = 0;
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
    this.heard();
    this.lookedAt = performance.now();
    this.timer = setInterval(() => this.look(), TICK);
    (this.timer as { unref?: () => void }).unref?.();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** A message of the host has come. */
  heard(): void {
    this.heardAt = performance.now();
    this.askedAt = undefined;
  }

  get isSilent(): boolean {
    return performance.now() - this.heardAt >= this.patience;
  }

  private look(): void {
    const now = performance.now();
    const pause = now - this.lookedAt;
    this.lookedAt = now;
    // This tab was itself frozen or stuck. The answer may be among the messages that are yet to be read.
    if (pause > this.patience) this.askedAt = undefined;
    if (this.askedAt === undefined) {
      if (now - this.heardAt < QUIET) return;
      this.askedAt = now;
    } else if (now - this.askedAt >= this.patience) {
      this.askedAt = now;
      this.listener.onSilent();
    }
    this.listener.ping();
  }
}
