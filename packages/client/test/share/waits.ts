/** From, to: ms since the epoch. */
export type Span = readonly [from: number, to: number];

export interface Wait {
  /** From when an event was published until a tab received it. */
  readonly span: Span;
  /** ms of it in which the tab's thread and the server's ran. */
  readonly ms: number;
}

/** The longest of the waits, without the time in which a thread stood still. Undefined where there are none. */
export function longestWait(spans: readonly Span[], standstills: readonly Span[]): Wait | undefined {
  const stills = merge(standstills);
  let longest: Wait | undefined;
  for (const span of spans) {
    const [from, to] = span;
    if (to - from <= (longest?.ms ?? -1)) continue;
    const still = stills.reduce((sum, [begin, end]) => sum + overlap(from, to, begin, end), 0);
    const ms = to - from - still;
    if (ms > (longest?.ms ?? -1)) longest = { span, ms };
  }
  return longest;
}

/** Spans without overlaps. */
function merge(spans: readonly Span[]): Span[] {
  const merged: [number, number][] = [];
  for (const [from, to] of [...spans].sort(([one], [other]) => one - other)) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

function overlap(from: number, to: number, begin: number, end: number): number {
  return Math.max(0, Math.min(to, end) - Math.max(from, begin));
}

/** Notes when this thread does not run. */
export class Standstills {
  readonly spans: Span[] = [];
  private readonly timer: ReturnType<typeof setInterval>;

  /** @param pulse ms between two looks */
  constructor(pulse = 50) {
    let last = Date.now();
    this.timer = setInterval(() => {
      const now = Date.now();
      if (now - last > 4 * pulse) this.spans.push([last, now]);
      last = now;
    }, pulse);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
