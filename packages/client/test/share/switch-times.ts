import type { TabRecord } from './test-tab.js';
import { longestWait, Standstills, type Span, type Wait } from './waits.js';

export interface SlowestSwitch {
  /** ms that an event took to a tab, without the time in which that tab, the one that took the stream, or the server did not run. */
  readonly ms: number;
  /** What happened meanwhile, in ms since the event was published. */
  readonly parts: string;
}

/** Finds how long events took to tabs while the stream moved. */
export class SwitchTimes {
  slowest: SlowestSwitch = { ms: 0, parts: '' };
  private readonly strikes: { readonly user: string; readonly name: string; readonly at: number }[] = [];
  private readonly server = new Standstills();

  /** @param publishedAt ms since the epoch */
  constructor(private readonly publishedAt: (channel: string, n: number) => number) {}

  noteStrike(user: string, name: string): void {
    this.strikes.push({ user, name: name.toUpperCase(), at: Date.now() });
  }

  /** @param since ms since the epoch @param all the tabs of the user */
  look(user: string, tab: TabRecord, since: number, all: readonly TabRecord[]): void {
    const wait = this.longestWait(tab, since, all);
    if (!wait || wait.ms <= this.slowest.ms) return;
    this.slowest = { ms: wait.ms, parts: this.describe(user, wait.span, all) };
  }

  /** ms that the browser and the machine took, for events or requests, without any switch. */
  ofControl(tab: TabRecord, since: number): number {
    const requests = longestWait(tab.requests, this.server.spans)?.ms ?? 0;
    return Math.max(requests, this.longestWait(tab, since, [])?.ms ?? 0);
  }

  stop(): void {
    this.server.stop();
  }

  private longestWait(tab: TabRecord, since: number, all: readonly TabRecord[]): Wait | undefined {
    const spans = tab.received.flatMap(({ channel, type, data, at }): Span[] => {
      if (type !== 'tick' || channel === undefined) return [];
      const published = this.publishedAt(channel, (JSON.parse(data) as { n: number }).n);
      return published > since ? [[published, at]] : [];
    });
    const leaders = all.flatMap(({ marks, standstills }) => {
      const elections = marks.filter(({ name }) => name === 'elected');
      return standstills.filter(([, end]) => elections.some(({ at }) => at < end && end - at < 5_000));
    });
    return longestWait(spans, [...tab.standstills, ...leaders, ...this.server.spans]);
  }

  private describe(user: string, [from, to]: Span, all: readonly TabRecord[]): string {
    const marks = all.flatMap(({ marks }) => marks);
    const strikes = this.strikes.filter((strike) => strike.user === user);
    return [...marks, ...strikes]
      .filter(({ at }) => at > from - 3_000 && at <= to)
      .sort((one, other) => one.at - other.at)
      .map(({ name, at }) => `${at - from} ${name}`)
      .join(', ');
  }
}
