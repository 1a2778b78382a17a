/** What beats. */
export interface Beating {
  beat(): void;
}

const SLOTS = 32;

/**
 * One timer for the heartbeats of all connections. Each has a slot, so that they are spread over the interval
 * instead of coming all at once.
 */
export class Heartbeat {
  private readonly slots = Array.from({ length: SLOTS }, () => new Set<Beating>());
  private readonly timer: NodeJS.Timeout;
  private now = 0;
  private next = 0;

  /** @param interval ms between two beats of the same connection */
  constructor(interval: number) {
    this.timer = setInterval(() => {
      this.now = (this.now + 1) % SLOTS;
      for (const beating of this.slots[this.now]!) beating.beat();
    }, interval / SLOTS);
    this.timer.unref();
  }

  add(beating: Beating): void {
    this.slots[(this.next = (this.next + 1) % SLOTS)]!.add(beating);
  }

  /** To look for it in all slots, once, is less than to keep its slot for as long as it beats. */
  remove(beating: Beating): void {
    this.slots.some((slot) => slot.delete(beating));
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
