import type { Position } from '../../event/position.js';

/** The idempotency keys of publishes, with the positions of the first publish of each. */
export class MemoryIdempotency {
  /** In the order of expiry. */
  private readonly firsts = new Map<string, { readonly position: Position; readonly until: number }>();

  /** @param window for how long a key is remembered, ms */
  constructor(private readonly window: number) {}

  /** The position of the first publish with a key, if there was one. */
  find(channel: string, key: string | undefined, now: number): Position | undefined {
    if (key === undefined) return undefined;
    const first = this.firsts.get(toName(channel, key));
    return first && first.until > now ? first.position : undefined;
  }

  remember(channel: string, key: string | undefined, position: Position, now: number): void {
    if (key === undefined) return;
    const name = toName(channel, key);
    // Deleted first, so that the map stays in the order of expiry.
    this.firsts.delete(name);
    this.firsts.set(name, { position, until: now + this.window });
  }

  /** Forgets what has expired. */
  tick(now: number): void {
    for (const [name, { until }] of this.firsts) {
      if (until > now) break;
      this.firsts.delete(name);
    }
  }
}

function toName(channel: string, key: string): string {
  return `${channel.length}:${channel}:${key}`;
}
