/** Heartbeats that may fail to come: the server sends one each interval, and both ends may be slow. */
const HEARTBEATS = 2.5;
/** ms, for the hub's default heartbeat of 20 s. */
const DEFAULT_TIMEOUT = 50_000;
/** ms that a page which was frozen gets to read what has arrived meanwhile. */
const GRACE = 1_000;

/** Finds streams that say nothing any more. An event costs it a timestamp; a timer looks at that. */
export class Watchdog {
  private timeout: number;
  private lastActivity = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private dueAt = 0;

  constructor(
    private readonly fixed: number | undefined,
    private readonly onSilent: () => void,
  ) {
    this.timeout = fixed ?? DEFAULT_TIMEOUT;
  }

  /** ms after which a client that has just woken up does not wait for another heartbeat. */
  get heartbeat(): number {
    return this.timeout / HEARTBEATS;
  }

  get lastActivityAt(): number {
    return this.lastActivity;
  }

  /** @param heartbeat ms, as the server announced it; undefined: it did not */
  setHeartbeat(heartbeat: number | undefined): void {
    if (this.fixed === undefined && heartbeat! > 0) this.timeout = Math.min(heartbeat! * HEARTBEATS, 2 ** 30);
    if (this.timer !== undefined) this.watch();
  }

  start(): void {
    this.touch();
    this.watch();
  }

  touch(): void {
    this.lastActivity = Date.now();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Looks in a moment whether the stream still lives. @param isDead is asked then */
  suspect(isDead: (lastActivity: number) => boolean): void {
    if (this.timer !== undefined) this.schedule(GRACE, () => isDead(this.lastActivity));
  }

  private watch(): void {
    this.schedule(this.timeout / 4, (late) => {
      // Timers stood still: the page was frozen, or the machine slept. What came meanwhile is read first.
      if (late) this.suspect(() => this.isSilent());
      return !late && this.isSilent();
    });
  }

  private schedule(delay: number, isDead: (late: boolean) => boolean): void {
    clearTimeout(this.timer);
    this.dueAt = Date.now() + delay;
    const timer = setTimeout(() => {
      if (isDead(Date.now() > this.dueAt + delay)) this.onSilent();
      else if (this.timer === timer) this.watch();
    }, delay);
    this.timer = timer;
  }

  private isSilent(): boolean {
    const now = Date.now();
    // A clock that was set back makes the last activity lie ahead.
    if (now < this.lastActivity) this.lastActivity = now;
    return now - this.lastActivity > this.timeout;
  }
}
