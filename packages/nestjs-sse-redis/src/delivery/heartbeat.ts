/** An object that gets heartbeats. */
export interface HeartbeatTarget {
  beat(): void;
}

const SLOTS = 32;

/**
 * One timer for the heartbeats of all connections. Each has a slot, so that they are spread over the interval
 * instead of coming all at once.
 */
export class Heartbeat {
  private readonly slots = Array.from({ length: SLOTS }, () => new Set<HeartbeatTarget>());
  private readonly timer: NodeJS.Timeout;
  private now = 0;
  private next = 0;

  /** @param interval ms between two beats of the same connection */
  constructor(interval: number) {
    this.timer = setInterval(() => {
      this.now = (this.now + 1) % SLOTS;
      for (const heartbeatTarget of this.slots[this.now]!) heartbeatTarget.beat();
    }, interval / SLOTS);
    this.timer.unref();
  }

  add(heartbeatTarget: HeartbeatTarget): void {
    this.slots[(this.next = (this.next + 1) % SLOTS)]!.add(heartbeatTarget);
  }

  /** To look for it in all slots, once, is less than to keep its slot for as long as it beats. */
  remove(heartbeatTarget: HeartbeatTarget): void {
    this.slots.some((slot) => slot.delete(heartbeatTarget));
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
